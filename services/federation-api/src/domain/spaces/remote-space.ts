import type { GetRemoteSpaceResponse, RemoteRoomSummary } from '@ganglion/contracts/federation';
import { isValidRoomAlias, isValidRoomId, isValidUserId, type JsonObject } from '@ganglion/protocol';
import { z } from 'zod';

const MOST_CHILDREN = 1_000;
const text = z.string().max(65_536);
const orNothing = <T>(schema: z.ZodType<T>) => schema.optional().catch(undefined);
const roomId = z.string().refine((id) => isValidRoomId(id));

/** What is shown of a room; what is not as it should be is left out. */
const summary = z.object({
  room_id: roomId,
  num_joined_members: z.int().min(0).max(2_000_000_000).catch(0),
  guest_can_join: z.boolean().catch(false),
  world_readable: z.boolean().catch(false),
  name: orNothing(text),
  topic: orNothing(text),
  canonical_alias: orNothing(z.string().refine((alias) => isValidRoomAlias(alias))),
  avatar_url: orNothing(text),
  join_rule: orNothing(text),
  room_type: orNothing(text),
  room_version: orNothing(z.string().max(64)),
  encryption: orNothing(text),
  allowed_room_ids: orNothing(z.array(roomId).max(MOST_CHILDREN)),
});

const child = z.object({
  type: z.literal('m.space.child'),
  state_key: roomId,
  sender: z.string().refine((id) => isValidUserId(id)),
  origin_server_ts: z.int(),
  content: z.looseObject({ via: z.array(z.string()).min(1).max(50) }),
});

/**
 * Reads what a server says of a room that it was asked for.
 *
 * @returns undefined for what is not about that room
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 */
export function readRemoteSpace(wanted: string, { room, children }: JsonObject): GetRemoteSpaceResponse | undefined {
  const read = summaryOf(room);
  if (read?.roomId !== wanted) return undefined;
  const others = listOf(children).flatMap((each) => summaryOf(each) ?? []);
  return { room: read, children: others };
}

function summaryOf(room: unknown): RemoteRoomSummary | undefined {
  const read = summary.safeParse(room).data;
  if (read === undefined) return undefined;
  const { room_id, num_joined_members, room_version, ...shown } = read;
  const { children_state } = room as JsonObject;
  const children = listOf(children_state).flatMap((each) => child.safeParse(each).data ?? []);
  return {
    ...{ roomId: room_id, roomVersion: room_version ?? '1', numJoinedMembers: num_joined_members },
    ...{ summaryJson: JSON.stringify(shown), childrenStateJson: JSON.stringify(children) },
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, MOST_CHILDREN) : [];
}
