import { createTelemetry, type Telemetry, withSpan } from '@ganglion/telemetry';
import { type Context, trace } from '@opentelemetry/api';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { jsonCodec, type Topic } from '../../src/index.js';
import { type BusPair, type OpenBuses, reader, roomStream, until } from '../support.js';

const signal: Topic<string> = { name: 'signal', codec: jsonCodec((input) => String(input)) };

/** A message carries the trace that it was sent in. */
export function describeTracing(open: OpenBuses): void {
  let telemetry: Telemetry;
  let buses: BusPair;

  beforeAll(async () => {
    telemetry = await createTelemetry({
      ...{ service: 'test', instance: 'test-0', version: '1', log: { level: 'silent', format: 'json' } },
      traces: { exporter: new InMemorySpanExporter() },
    });
  });
  afterAll(() => telemetry.shutdown());
  beforeEach(async () => {
    buses = await open();
  });
  afterEach(() => buses.close());

  function inSpan<T>(run: () => T): { traceId: string; result: T } {
    return withSpan('send', {}, (span) => ({ traceId: span.spanContext().traceId, result: run() }));
  }

  const traceOf = (active: Context) => trace.getSpanContext(active)?.traceId;

  it('in what is published', async () => {
    const seen = new Map<number, string | undefined>();
    await buses.other.consume(reader(), async (batch) => {
      for (const { message, context: active } of batch) seen.set(message.seq, traceOf(active));
    });
    const publish = (seq: number) => buses.one.publish(roomStream(), { room: '!a:x', seq }, { key: '!a:x' });
    const first = inSpan(() => publish(1));
    const second = inSpan(() => publish(2));
    await Promise.all([first.result, second.result, publish(3)]);
    await until('all are read', () => seen.size === 3);
    expect(first.traceId).not.toBe(second.traceId);
    expect(seen).toEqual(
      new Map([
        [1, first.traceId],
        [2, second.traceId],
        [3, undefined],
      ]),
    );
  });

  it('in what is broadcast', async () => {
    const heard: (string | undefined)[] = [];
    await buses.other.listen(signal, (_, active) => heard.push(traceOf(active)));
    const { traceId } = inSpan(() => buses.one.broadcast(signal, 'hello'));
    await until('it is heard', () => heard.length > 0);
    expect(heard).toEqual([traceId]);
  });
}
