import { createTelemetry, withSpan } from '@ganglion/telemetry';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { Fixture } from './support.js';

describe('a traced request', () => {
  it('shows its statements by name, in and outside of transactions, and none of their values', async () => {
    const exporter = new InMemorySpanExporter();
    const telemetry = await createTelemetry({
      service: 'test',
      instance: 'test-0',
      version: '1',
      log: { level: 'silent', format: 'json' },
      traces: { exporter },
    });
    const fixture = await Fixture.create();
    const db = await fixture.connect();
    await db.query({ name: 'untraced', text: 'SELECT 1' });
    await withSpan('request', {}, async () => {
      await Promise.all([1, 2].map(() => db.query({ name: 'by-name', text: 'SELECT $1::text', values: ['secret'] })));
      await db.transaction((tx) => tx.query({ text: "SELECT 'secret' AS word" }));
    });
    const spans = [...exporter.getFinishedSpans()];
    await fixture.end();
    await telemetry.shutdown();
    const request = spans.at(-1);
    expect(spans.map(({ name }) => name)).toEqual(['by-name', 'by-name', 'SELECT', 'request']);
    for (const span of spans.slice(0, -1)) {
      expect(span.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
      expect(JSON.stringify(span.attributes)).not.toContain('secret');
    }
    expect(spans[2]?.attributes).toEqual({ 'db.system.name': 'postgresql', 'db.query.summary': 'SELECT ? AS word' });
  });
});
