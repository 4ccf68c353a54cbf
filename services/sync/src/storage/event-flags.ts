import type { HistoryVisibility } from '@ganglion/protocol';
import type { EventPlace } from '../domain/timeline-event.js';

const VISIBILITIES: readonly HistoryVisibility[] = ['world_readable', 'shared', 'invited', 'joined'];

/** Bits 0–1: the visibility. Bits 2–4: the previous one plus one, or 0 where it is the same. */
const PREVIOUS = 4;
/** Rows of `memberships_at` belong to the event. */
const HAS_MEMBERSHIPS = 32;
/** The state changed with the event too much to be told with it. */
const IS_JUMP = 64;

/** What `sync.timeline.flags` says of an event. */
export function flagsOf({ visibility, previousVisibility, memberships, isJump }: EventPlace): number {
  const previous = previousVisibility === undefined ? 0 : VISIBILITIES.indexOf(previousVisibility) + 1;
  return (
    VISIBILITIES.indexOf(visibility) +
    PREVIOUS * previous +
    (memberships === undefined ? 0 : HAS_MEMBERSHIPS) +
    (isJump ? IS_JUMP : 0)
  );
}

export function visibilitiesOf(flags: number): Pick<EventPlace, 'visibility' | 'previousVisibility'> {
  const previous = Math.floor(flags / PREVIOUS) % 8;
  const previousVisibility = previous === 0 ? undefined : VISIBILITIES[previous - 1];
  return { visibility: VISIBILITIES[flags % PREVIOUS]!, previousVisibility };
}

export function isJump(flags: number): boolean {
  return (flags & IS_JUMP) !== 0;
}
