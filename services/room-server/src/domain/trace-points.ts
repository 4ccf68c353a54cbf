import type { TracePoint } from '@ganglion/telemetry';
import type { RoomCommit } from './ports/rooms.js';

/** Where the requests that have their events in a commit stand in their traces, as far as these are recorded. */
export function tracePointsOf({ events }: RoomCommit): TracePoint[] {
  return [...new Set(events.flatMap(({ tracePoint }) => tracePoint ?? []))];
}
