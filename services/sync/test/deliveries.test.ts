import { createTelemetry, type Telemetry, type TracingOptions, withSpan } from '@ganglion/telemetry';
import type { AppendBatch, AppendedEvent } from '../src/domain/append-batch.js';
import { Deliveries } from '../src/domain/feed/deliveries.js';

type Exporter = NonNullable<TracingOptions['exporter']>;
type ReadableSpan = Parameters<Exporter['export']>[0][number];

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const traced = (position: number, flags = '01') =>
  ({ position, traceparent: `00-${TRACE}-b7ad6b716920333${position % 10}-${flags}` }) as AppendedEvent;
const batchOf = (...events: AppendedEvent[]) => ({ events }) as unknown as AppendBatch;

describe('the deliveries of traced messages', () => {
  let telemetry: Telemetry;
  let spans: ReadableSpan[];
  let deliveries: Deliveries;

  beforeEach(async () => {
    spans = [];
    deliveries = new Deliveries();
    telemetry = await createTelemetry({
      ...{ service: 'test', instance: 'test-0', version: '1', log: { level: 'silent', format: 'json' } },
      traces: { exporter: { export: (ended) => spans.push(...ended), shutdown: async () => {} } },
    });
  });
  afterEach(() => telemetry.shutdown());

  /** Answers with events, and returns in the trace of which of them that is shown. */
  function deliver(since: number | undefined, ...events: AppendedEvent[]): (string | undefined)[] {
    spans = [];
    const delivery = deliveries.begin(since);
    delivery?.add(events);
    delivery?.end();
    return spans.map(({ parentSpanContext }) => parentSpanContext?.spanId);
  }

  it('are parts of the traces of those messages, and linked to the answer', () => {
    deliveries.note(batchOf(traced(1), { position: 2 } as AppendedEvent, traced(3)));
    // As the database gives them.
    const events = [1, 2, 3].map((position) => ({ position }) as AppendedEvent);
    const answer = withSpan('answer', {}, (span) => {
      expect(deliver(0, ...events)).toEqual(['b7ad6b7169203331', 'b7ad6b7169203333']);
      return span.spanContext();
    });
    for (const { links } of spans.slice(0, 2))
      expect(links.map(({ context }) => context.spanId)).toEqual([answer.spanId]);
  });

  it('are not shown when nobody records the trace, nor by an initial sync', () => {
    deliveries.note(batchOf(traced(1, '00'), traced(2)));
    expect(deliver(0, traced(1, '00'))).toEqual([]);
    expect(deliver(undefined, traced(2))).toEqual([]);
    expect(deliver(0, traced(2))).toHaveLength(1);
  });

  it('are shown of a few readers only', () => {
    deliveries.note(batchOf(traced(1), traced(2)));
    const shown = Array.from({ length: 50 }, () => deliver(0, traced(1)).length);
    expect(shown.filter((count) => count === 1)).toHaveLength(20);
    expect(deliver(0, traced(1), traced(2))).toEqual(['b7ad6b7169203332']);
  });

  it('cost nothing while tracing is off', async () => {
    await telemetry.shutdown();
    deliveries.note(batchOf(traced(1)));
    expect(deliveries.begin(0)).toBeUndefined();
  });
});
