import type { JsonObject } from '@ganglion/protocol';
import type { RoomStore } from './ports/rooms.js';
import { type Command, command } from './room-actor.js';
import { sendEvent } from './send-event.js';

export interface ProfileChange {
  readonly userId: string;
  /** The keys of the member event's content to set; null removes a key. */
  readonly content: JsonObject;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
}

/** Sends a member event with the new profile, if the user still is in the room. Resolves with whether one was sent. */
export function updateProfile(store: RoomStore, change: ProfileChange): Command<boolean> {
  return command([{ type: 'm.room.member', stateKey: change.userId }], async (room) => {
    if (room.head.membership(change.userId) !== 'join') return false;
    const content = room.head.shownContent('m.room.member', change.userId);
    // It would name a user who authorised the join, not this change.
    const { join_authorised_via_users_server: _, ...kept } = content ?? {};
    const merged = Object.entries({ ...kept, ...change.content }).filter(([, value]) => value !== null);
    const draft = {
      type: 'm.room.member',
      sender: change.userId,
      stateKey: change.userId,
      content: Object.fromEntries(merged),
      originServerTs: change.originServerTs,
    };
    await sendEvent(store, draft, undefined)(room);
    return true;
  });
}
