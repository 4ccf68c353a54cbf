import { randomBytes } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import { domainOf, type JsonObject, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import type { EventBuilder } from './event-builder.js';
import { LocalPlacement } from './placement/local-placement.js';
import { type PlanDependencies, RoomPlan } from './placement/room-plan.js';
import { type CommitListener, type RoomCreator, RoomExistsError } from './ports/rooms.js';
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

export interface CreateRoomDependencies extends PlanDependencies {
  readonly builder: EventBuilder;
  readonly creator: RoomCreator;
  readonly listener: CommitListener;
}

const ROOM_ID_BYTES = 18;
const MAX_ATTEMPTS = 10;

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
  for (let attempt = 0; ; attempt++) {
    const originServerTs = room.originServerTs + Math.floor(Math.random() * 2 ** attempt);
    const plan = await planRoom(deps, rules, { ...room, originServerTs });
    const commit = plan.commit();
    const alias = room.alias === undefined ? undefined : { name: room.alias, creator: room.creator };
    try {
      await deps.creator.create({ commit, alias, published: room.published });
    } catch (error) {
      plan.settle(false);
      // Where the id is a hash, like rooms that one user makes in one millisecond would be the same room.
      if (error instanceof RoomExistsError && attempt < MAX_ATTEMPTS) continue;
      throw error;
    }
    plan.settle(true);
    deps.listener.committed(commit);
    return commit.roomId;
  }
}

async function planRoom(deps: CreateRoomDependencies, rules: RoomVersionRules, room: RoomToCreate) {
  const plan = new RoomPlan(newHead(await deps.numbers.allocate(), rules, room.creator), deps);
  const placement = new LocalPlacement(plan, deps.builder);
  for (const event of room.events) {
    const draft = { ...event, sender: room.creator, originServerTs: room.originServerTs };
    const added = await appendOrExplain(placement, draft);
    if (added.roomSeq === 1 && rules.roomIdIsCreateHash) plan.head.roomId = added.event.roomId;
  }
  return plan;
}

function newHead(nid: number, rules: RoomVersionRules, creator: string): RoomHead {
  // From version 12 on the id is known once the create event is built.
  const roomId = rules.roomIdIsCreateHash
    ? ''
    : `!${randomBytes(ROOM_ID_BYTES).toString('base64url')}:${domainOf(creator)}`;
  const head = new RoomHead(nid, roomId, rules);
  head.isComplete = true;
  return head;
}

async function appendOrExplain(room: LocalPlacement, draft: Parameters<LocalPlacement['append']>[0]) {
  try {
    return await room.append(draft);
  } catch (error) {
    if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error;
    throw new MatrixError(400, 'M_INVALID_ROOM_STATE', `The room's ${draft.type} event is refused: ${error.message}`);
  }
}
