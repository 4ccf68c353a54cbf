import { createTelemetry, type Telemetry, withSpan } from '@ganglion/telemetry';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { Fixture, targetOf } from './support.js';

let fixture: Fixture;
let exporter: InMemorySpanExporter;
let telemetry: Telemetry;

beforeEach(async () => {
  fixture = new Fixture();
  exporter = new InMemorySpanExporter();
  telemetry = await createTelemetry({
    service: 'test',
    instance: 'test-0',
    version: '1',
    log: { level: 'silent', format: 'json' },
    traces: { exporter, sampleRatio: 1 },
  });
});
afterEach(async () => {
  await fixture.end();
  await telemetry.shutdown();
});

describe('a trace', () => {
  it('goes through a call, into what the callee calls, and into the log of what fails', async () => {
    const last = await fixture.serve(async () => {
      throw new Error('broken');
    });
    const toLast = fixture.client([targetOf(last)]);
    const first = await fixture.serve((request) => toLast.put(request));
    const client = fixture.client([targetOf(first)]);
    await withSpan('request', {}, () => client.read({ text: 'x' })).catch(() => {});
    await client.close();
    const spans = exporter.getFinishedSpans();
    const names = spans.map(({ kind, name }) => `${kind} ${name}`);
    const service = 'ganglion.test.v1.Echo';
    // Kinds: 0 internal, 1 server, 2 client; innermost first.
    expect(names).toEqual([
      `1 ${service}/Put`,
      `2 ${service}/Put`,
      `1 ${service}/Read`,
      `2 ${service}/Read`,
      '0 request',
    ]);
    for (const [index, span] of spans.slice(0, -1).entries()) {
      expect(span.parentSpanContext?.spanId).toBe(spans[index + 1]?.spanContext().spanId);
    }
    const traceId = spans[0]?.spanContext().traceId;
    expect(fixture.log.map((line) => JSON.parse(line).trace_id)).toEqual([traceId, traceId]);
  });

  it('is not mixed up between calls on one connection', async () => {
    const server = await fixture.serve(async ({ text }) => ({ text }));
    const client = fixture.client([targetOf(server)]);
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        withSpan(`request ${n}`, {}, async (span) => {
          await client.read({ text: 'x' });
          return span.spanContext().traceId;
        }),
      ),
    );
    await client.close();
    const served = exporter.getFinishedSpans().filter(({ kind }) => kind === 1);
    expect(served.map((span) => span.spanContext().traceId).sort()).toEqual(ids.sort());
    expect(new Set(ids).size).toBe(20);
  });
});
