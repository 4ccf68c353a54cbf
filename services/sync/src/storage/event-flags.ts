import type { HistoryVisibility } from '@ganglion/protocol';
import type { EventPlace } from '../domain/timeline-event.js';

const VISIBILITIES: readonly HistoryVisibility[] = ['world_readable', 'shared', 'invited', 'joined'];

/** Bits 0–1: the visibility. Bits 2–4: the previous one plus one, or 0 where it is the same. */
const PREVIOUS = 4;
/** Rows of `memberships_at` belong to the event. */
const HAS_MEMBERSHIPS = 32;
/** The state changed with the event too much to be told with it. */
const IS_JUMP = 64;
/** Nobody with the usual push rules has it left to read. */
const IS_QUIET = 128;
/** It has no words that it could be found by; where that was not looked at, it may have none all the same. */
export const IS_WORDLESS = 256;

/** What `sync.timeline.flags` says of an event. */
export function flagsOf({ visibility, previousVisibility, memberships, isJump, isQuiet }: EventPlace): number {
  const previous = previousVisibility === undefined ? 0 : VISIBILITIES.indexOf(previousVisibility) + 1;
  return (
    VISIBILITIES.indexOf(visibility) +
    PREVIOUS * previous +
    (memberships === undefined ? 0 : HAS_MEMBERSHIPS) +
    (isJump ? IS_JUMP : 0) +
    (isQuiet ? IS_QUIET : 0)
  );
}

/** What the flags of an event say, but for whether it has memberships: these come with it. */
export function readFlags(flags: number): Pick<EventPlace, 'visibility' | 'previousVisibility' | 'isJump' | 'isQuiet'> {
  const previous = Math.floor(flags / PREVIOUS) % 8;
  return {
    visibility: VISIBILITIES[flags % PREVIOUS]!,
    previousVisibility: previous === 0 ? undefined : VISIBILITIES[previous - 1],
    isJump: (flags & IS_JUMP) !== 0,
    isQuiet: (flags & IS_QUIET) !== 0,
  };
}
