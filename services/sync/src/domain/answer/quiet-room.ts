import { formatToken } from '../sync-token.js';
import type { RoomView } from '../views/room-view.js';
import type { Window } from './sync-request.js';

/** What is not kept with the events of a room. */
export interface Aside {
  /** Events as JSON text. */
  readonly ephemeral: readonly string[];
  /** Whether the user has read on. */
  readonly hasRead: boolean;
  /** The counts of unread notifications, as parts of the room's answer. */
  readonly unread: (view: RoomView) => Promise<string>;
}

/** `rooms.join` of a room in which nothing was sent: what does not last, and what is left to read. */
export async function quietRoomAnswer({ since, upTo, request }: Window, aside: Aside, view: RoomView): Promise<string> {
  const parts = [
    `"timeline":{"events":[],"limited":false,"prev_batch":"${formatToken(since ?? upTo)}"}`,
    `"${request.stateKey}":{"events":[]}`,
    '"account_data":{"events":[]}',
    `"ephemeral":{"events":[${aside.ephemeral.join(',')}]}`,
    await aside.unread(view),
  ];
  return `{${parts.join(',')}}`;
}
