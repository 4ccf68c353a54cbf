import type { ReadModel } from '../ports/read-model.js';
import type { StateVersion } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';

/**
 * The position at which a user joined a room that they are in; changes of their name do not count. From memory, unless the
 * first that is known of them there is such a change.
 */
export async function joinedSince(model: ReadModel, view: RoomView, userId: string): Promise<number> {
  const known = view.versionsOf('m.room.member', userId);
  const first = beginningOf(known);
  if (first === undefined) return view.windowStart;
  if (first !== known[0] || !wasJoinedBefore(first)) return first.position;
  const all = await model.entryVersions(view.record.nid, 'm.room.member', userId);
  return beginningOf(all)?.position ?? first.position;
}

/** The version with which the last stretch of being joined began. */
function beginningOf(versions: readonly StateVersion[]): StateVersion | undefined {
  const before = versions.findLastIndex(({ event }) => event?.membership !== 'join');
  return versions[before + 1];
}

/** Whether the event replaced one by which the user was joined already. */
function wasJoinedBefore({ event }: StateVersion): boolean {
  const { prev_content } = JSON.parse(`{${event?.fixedUnsigned ?? ''}}`) as { prev_content?: { membership?: unknown } };
  return prev_content?.membership === 'join';
}
