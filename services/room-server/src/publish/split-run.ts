import type { LoggedEvent, RoomEvents } from '@ganglion/contracts/room';

/** Far below what a bus takes in one message; an event alone may have 64 KiB. */
const MAX_BYTES = 400_000;
/** Of what stands beside the texts of an event. */
const OVERHEAD = 400;

/** A run of events in messages that a bus can carry, in order. */
export function splitRun(run: RoomEvents): RoomEvents[] {
  const parts: LoggedEvent[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const event of run.events) {
    const weight = weightOf(event);
    if (size + weight > MAX_BYTES) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1)!.push(event);
    size += weight;
  }
  return parts.map((events) => ({ ...run, events }));
}

function weightOf({
  pduJson,
  stateChanges,
  memberships,
  strippedStateJson = '',
  redactedBecause,
}: LoggedEvent): number {
  const listed = (stateChanges.length + memberships.length) * 300;
  // Characters may take three bytes each.
  return OVERHEAD + listed + 3 * (pduJson.length + strippedStateJson.length + (redactedBecause?.pduJson.length ?? 0));
}
