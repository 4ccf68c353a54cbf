import { forEachAtMost } from '../at-most.js';

interface Events {
  readonly events: readonly object[];
}

interface SyncedRoom {
  readonly timeline?: Events & { readonly prev_batch?: string };
  readonly state_after?: Events;
  readonly account_data?: Events;
  readonly ephemeral?: Events;
}

/** An answer of /sync. */
export interface SyncAnswer {
  readonly next_batch: string;
  readonly presence?: Events;
  readonly account_data?: Events;
  readonly rooms?: {
    readonly join?: Readonly<Record<string, SyncedRoom>>;
    readonly leave?: Readonly<Record<string, SyncedRoom>>;
    readonly invite?: Readonly<Record<string, { readonly invite_state: Events }>>;
  };
}

const AT_ONCE = 8;

/** All that an answer tells of, one event after the other. */
export function eventsOf({ rooms, presence }: SyncAnswer): object[] {
  const said = Object.entries({ ...rooms?.leave, ...rooms?.join }).flatMap(([room_id, { timeline, ephemeral }]) =>
    [timeline, ephemeral].flatMap((part) => (part?.events ?? []).map((event) => ({ ...event, room_id }))),
  );
  const invites = Object.entries(rooms?.invite ?? {}).flatMap(([room_id, { invite_state }]) =>
    invite_state.events.filter(isInvite).map((event) => ({ ...event, room_id })),
  );
  return [...said, ...invites, ...(presence?.events ?? [])];
}

/** An answer as it was before there was /sync. */
export async function snapshotsOf(answer: SyncAnswer, isPublic: (roomId: string) => Promise<boolean>) {
  const { join = {}, leave = {}, invite = {} } = answer.rooms ?? {};
  const known = [
    ...Object.entries(join).map(([room_id, room]) => snapshotOf(room_id, 'join', room, answer.next_batch)),
    ...Object.entries(leave).map(([room_id, room]) => snapshotOf(room_id, 'leave', room, answer.next_batch)),
  ];
  const published = new Set<string>();
  await forEachAtMost(known, AT_ONCE, async ({ room_id }) => {
    if (await isPublic(room_id)) published.add(room_id);
  });
  const invites = Object.entries(invite).map(([room_id, { invite_state }]) => {
    const event = invite_state.events.find(isInvite);
    return { room_id, membership: 'invite', ...(event && { invite: { ...event, room_id } }) };
  });
  return {
    end: answer.next_batch,
    presence: answer.presence?.events ?? [],
    account_data: answer.account_data?.events ?? [],
    receipts: [],
    rooms: [
      ...known.map((room) => ({ ...room, visibility: published.has(room.room_id) ? 'public' : 'private' })),
      ...invites,
    ],
  };
}

function snapshotOf(room_id: string, membership: string, room: SyncedRoom, end: string) {
  const { events = [], prev_batch: start = end } = room.timeline ?? {};
  const ofRoom = (event: object) => ({ ...event, room_id });
  return {
    ...{ room_id, membership },
    messages: { chunk: events.map(ofRoom), start, end },
    state: (room.state_after?.events ?? []).map(ofRoom),
    account_data: room.account_data?.events ?? [],
  };
}

function isInvite(event: object): boolean {
  const { type, content } = event as { type?: unknown; content?: { membership?: unknown } };
  return type === 'm.room.member' && content?.membership === 'invite';
}
