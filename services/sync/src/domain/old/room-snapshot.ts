import { compileRoomEventFilter, jsonCodec } from '@ganglion/protocol';
import { accountDataText } from '../answer/joined-room.js';
import { beginningOf, formatHistoryToken } from '../history/history-token.js';
import { type HistoryDependencies, type Reader, readRoom } from '../history/reading.js';
import type { RoomHistory } from '../history/room-history.js';

export interface RoomSnapshotDependencies extends HistoryDependencies {
  readonly history: Pick<RoomHistory, 'messages' | 'currentStatePages'>;
  readonly isPublic: (roomId: string) => Promise<boolean>;
}

/** A page of /messages. */
export interface MessagesPage {
  readonly chunk: unknown[];
  readonly start: string;
  readonly end?: string;
}

/** A room as it is: JSON texts by name, and the state in pages of them, as there may be more than memory should be filled with. */
export interface RoomSnapshot {
  readonly texts: Readonly<Record<string, string>>;
  readonly state: AsyncIterable<readonly string[]>;
}

/**
 * A room as it is now, for who is in it or may look into it: the last messages, the state, what the user has noted of it.
 *
 * @throws MatrixError M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync
 */
export function roomSnapshot(
  deps: RoomSnapshotDependencies,
  reader: Reader & { readonly roomId: string },
  limit: number,
): Promise<RoomSnapshot> {
  return deps.feed.use(() => snapshot(deps, reader, limit));
}

async function snapshot(
  deps: RoomSnapshotDependencies,
  reader: Reader & { readonly roomId: string },
  limit: number,
): Promise<RoomSnapshot> {
  const { roomId, userId } = reader;
  // What they have noted of the room just now belongs to it.
  await deps.announcements.settled(userId);
  const [{ state, membership, upTo, own }, visibility] = await Promise.all([
    readRoom(deps, reader, undefined, async (access) => ({
      upTo: access.upTo,
      membership: deps.users.membershipIn(await deps.users.get(userId), roomId)?.membership,
      state: await deps.history.currentStatePages(access, reader),
      own: await deps.model.accountData(userId, 0, access.upTo),
    })),
    deps.isPublic(roomId).then((isPublic) => (isPublic ? 'public' : 'private')),
  ]);
  const all = { from: { after: upTo }, to: undefined, limit, filter: compileRoomEventFilter({}) };
  const text = await deps.history.messages({ ...reader, direction: 'backwards', ...all });
  const json = jsonCodec(text);
  const { chunk, start, end } = json.parse(text) as MessagesPage;
  const beginning = formatHistoryToken(beginningOf(upTo));
  const ofRoom = own.filter((row) => row.roomId === roomId && row.content !== '{}');
  const texts = {
    room_id: JSON.stringify(roomId),
    ...(membership !== undefined && { membership: JSON.stringify(membership) }),
    visibility: JSON.stringify(visibility),
    messages: json.stringify({ chunk: chunk.toReversed(), start: end ?? beginning, end: start }),
    account_data: `[${ofRoom.map(accountDataText).join(',')}]`,
    // Who is there, and has read what, is told by /sync; old clients look for the names.
    ...{ presence: '[]', receipts: '[]' },
  };
  return { texts, state };
}
