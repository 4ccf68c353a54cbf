import { ROOM_EVENTS } from '@ganglion/contracts';
import type { RoomEvents } from '@ganglion/contracts/room';
import { type TracePoint, tracePointOf, traceparentOf, tracingEnabled, withSpans } from '@ganglion/telemetry';
import { SpanKind } from '@opentelemetry/api';

/** @see https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/ */
const PROCESSES = {
  'messaging.system': 'ganglion',
  'messaging.operation.type': 'process',
  'messaging.destination.name': ROOM_EVENTS.name,
  'messaging.consumer.group.name': 'sync',
};

/** Appends a message as a part of the traces of its events, each of which goes on in what is appended. */
export function inTracesOf(message: RoomEvents, append: (message: RoomEvents) => Promise<void>): Promise<void> {
  if (!tracingEnabled()) return append(message);
  const points = new Map<string, TracePoint>();
  for (const { traceparent } of message.events) {
    const point = tracePointOf(traceparent);
    if (point !== undefined) points.set(traceparent!, point);
  }
  return withSpans(
    'process room-events',
    PROCESSES,
    points.values(),
    (inside) => append({ ...message, events: goingOn(message.events, points, inside) }),
    { kind: SpanKind.CONSUMER },
  );
}

function goingOn(
  events: RoomEvents['events'],
  points: ReadonlyMap<string, TracePoint>,
  inside: ReadonlyMap<TracePoint, TracePoint>,
): RoomEvents['events'] {
  return events.map((event) => {
    const point = inside.get(points.get(event.traceparent ?? '')!);
    return { ...event, traceparent: point && traceparentOf(point) };
  });
}
