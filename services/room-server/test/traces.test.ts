import { ROOM_EVENTS } from '@ganglion/contracts';
import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';
import { createTelemetry, extractContext, type Telemetry, withSpan } from '@ganglion/telemetry';
import { eventually } from '@ganglion/testing';
import { InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
import { ALICE, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

const REQUESTS = 20;

let servers: RoomServers;
let replica: Replica;
const logged: LoggedEvent[] = [];

beforeAll(async () => {
  servers = await RoomServers.create();
  const consumer = {
    ...{ stream: ROOM_EVENTS, durable: 'test', maxBatch: 100, maxAttempts: 5 },
    ...{ backoffMs: [100], key: ({ roomId }: RoomEvents) => roomId },
  };
  await servers.testBus.bus.consume(consumer, async (batch) => {
    logged.push(...batch.flatMap(({ message }) => message.events));
  });
  replica = await servers.start();
});
afterAll(() => servers.close());

const publishedAs = (eventId: string) => logged.find((event) => event.eventId === eventId);

describe('while tracing is on', () => {
  const exporter = new InMemorySpanExporter();
  let telemetry: Telemetry;

  beforeAll(async () => {
    telemetry = await createTelemetry({
      ...{ service: 'test', instance: 'test-0', version: '1', log: { level: 'silent', format: 'json' } },
      traces: { exporter, sampleRatio: 0 },
    });
  });
  beforeEach(() => exporter.reset());
  afterAll(() => telemetry.shutdown());

  /** A request that its client wants to have recorded, or not. */
  const request = (roomId: string, traceparent?: string) => {
    const parent = traceparent === undefined ? undefined : extractContext({ traceparent });
    return withSpan('request', {}, () => send(replica, roomId, ALICE), parent && { parent });
  };

  it('each of many requests that are committed together has its own commit, message and event in its own trace', async () => {
    const rooms = await Promise.all([createRoom(replica), createRoom(replica)]);
    const traces = Array.from({ length: REQUESTS }, (_, n) => (n + 1).toString(16).padStart(32, '0'));
    const sent = await Promise.all(
      traces.map((traceId, n) => request(rooms[n % 2]!, `00-${traceId}-00000000000000aa-01`)),
    );
    await eventually(() => expect(sent.map(({ eventId }) => publishedAs(eventId)).includes(undefined)).toBe(false));
    await eventually(() => {
      for (const [n, traceId] of traces.entries()) {
        const spans = exporter.getFinishedSpans().filter((span) => span.spanContext().traceId === traceId);
        const [root] = spans.filter(({ name }) => name === 'request');
        const children = spans.filter(
          ({ parentSpanContext }) => parentSpanContext?.spanId === root?.spanContext().spanId,
        );
        const names = children.map(({ name }) => name);
        expect(names.filter((name) => name === 'commit' || name === 'send room-events').toSorted()).toEqual([
          'commit',
          'send room-events',
        ]);
        const message = children.find(({ name }) => name === 'send room-events')?.spanContext();
        expect(publishedAs(sent[n]!.eventId)?.traceparent).toBe(`00-${traceId}-${message?.spanId}-01`);
      }
    });
    const statements = exporter.getFinishedSpans().filter(({ name }) => name === 'commit-events');
    expect(statements.length).toBeLessThan(REQUESTS);
  });

  it('a request that is not recorded is not put into the trace of one that is, which it is committed with', async () => {
    const roomId = await createRoom(replica);
    const recorded = (index: number) => index % 2 === 1;
    const sent = await Promise.all(
      Array.from({ length: REQUESTS }, (_, index) =>
        recorded(index) ? request(roomId, '00-000000000000000000000000000000ff-00000000000000aa-01') : request(roomId),
      ),
    );
    await eventually(() => expect(sent.every(({ eventId }) => publishedAs(eventId) !== undefined)).toBe(true));
    const traced = sent.map(({ eventId }) => publishedAs(eventId)?.traceparent !== undefined);
    expect(traced).toEqual(sent.map((_, index) => recorded(index)));
  });
});

it('while tracing is off, nothing of it travels', async () => {
  const roomId = await createRoom(replica);
  const { eventId } = await send(replica, roomId, ALICE);
  await eventually(() => expect(publishedAs(eventId)).toBeDefined());
  expect(publishedAs(eventId)?.traceparent).toBeUndefined();
});
