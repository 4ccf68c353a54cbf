import { randomBytes } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { domainOf, type JsonObject, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import { CommitBuilder } from './commit-builder.js';
import type { EventBuilder } from './event-builder.js';
import type { CommitListener, NumberSource, RoomCreator } from './ports.js';
import { RoomHead } from './room-head.js';

export interface RoomToCreate {
  readonly roomVersion: string;
  readonly creator: string;
  /** In order; the first is m.room.create, the second the creator's join. */
  readonly events: readonly { readonly type: string; readonly stateKey: string; readonly content: JsonObject }[];
  readonly alias: string | undefined;
  readonly published: boolean;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
}

export interface CreateRoomDependencies {
  readonly builder: EventBuilder;
  readonly numbers: NumberSource;
  readonly creator: RoomCreator;
  readonly listener: CommitListener;
}

const ROOM_ID_BYTES = 18;

/**
 * Makes a room with its first events, all or nothing.
 *
 * @throws MatrixError M_UNSUPPORTED_ROOM_VERSION, M_ROOM_IN_USE, M_INVALID_ROOM_STATE when an event is refused
 * @see https://spec.matrix.org/v1.19/client-server-api/#creation
 */
export async function createRoom(deps: CreateRoomDependencies, room: RoomToCreate): Promise<string> {
  const rules = roomVersionRules(room.roomVersion);
  if (rules === undefined) {
    throw new MatrixError(400, 'M_UNSUPPORTED_ROOM_VERSION', `Room version ${room.roomVersion} is not supported`);
  }
  const head = newHead(await deps.numbers.allocate(), rules, room.creator);
  const commit = new CommitBuilder(head, deps.builder, deps.numbers);
  let roomId = commit.head.roomId;
  for (const event of room.events) {
    const added = await appendOrExplain(commit, {
      ...event,
      sender: room.creator,
      originServerTs: room.originServerTs,
    });
    if (added.roomSeq === 1 && rules.roomIdIsCreateHash) {
      roomId = added.event.roomId;
      commit.head.roomId = roomId;
    }
  }
  const result = { ...commit.commit(), roomId };
  const alias = room.alias === undefined ? undefined : { name: room.alias, creator: room.creator };
  await deps.creator.create({ commit: result, alias, published: room.published });
  deps.listener.committed(result);
  return roomId;
}

function newHead(nid: number, rules: RoomVersionRules, creator: string): RoomHead {
  // From version 12 on the id is known once the create event is built.
  const roomId = rules.roomIdIsCreateHash
    ? ''
    : `!${randomBytes(ROOM_ID_BYTES).toString('base64url')}:${domainOf(creator)}`;
  return new RoomHead(nid, roomId, rules);
}

async function appendOrExplain(commit: CommitBuilder, draft: Parameters<CommitBuilder['append']>[0]) {
  try {
    return await commit.append(draft);
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error;
    throw new MatrixError(400, 'M_INVALID_ROOM_STATE', `The room's ${draft.type} event is refused: ${error.message}`);
  }
}
