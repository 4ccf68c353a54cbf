import { MatrixError } from '@ganglion/contracts';
import { canStartFrom, type JsonObject, type MembershipAction, membershipAfter } from '@ganglion/protocol';
import type { EventDraft } from './event-builder.js';
import type { LocalPlacement } from './placement/local-placement.js';
import type { RoomStore } from './ports.js';
import { authorisingUser } from './restricted-join.js';
import { type Command, command } from './room-actor.js';
import { lookedAtBy, type SentEvent, sameContent, sendEvent } from './send-event.js';

export interface MembershipChange {
  readonly sender: string;
  readonly target: string;
  readonly action: MembershipAction;
  /** Further keys of the content: displayname, avatar_url, reason, is_direct … */
  readonly content: JsonObject;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
  /** Which servers' users are ours, for those who may let others into restricted rooms. */
  readonly serverNames: readonly string[];
}

/**
 * Joins, leaves, invites, kicks, bans, unbans or knocks. What already is as asked stays as it is.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-membership
 */
export function changeMembership(store: RoomStore, change: MembershipChange): Command<SentEvent> {
  const draft = {
    type: 'm.room.member',
    sender: change.sender,
    stateKey: change.target,
    content: { ...change.content, membership: membershipAfter(change.action) },
    originServerTs: change.originServerTs,
  };
  return command(lookedAtBy(draft), async (room) => {
    const settled = alreadySo(room, change, draft) ?? (await ended(room, change, draft));
    if (settled !== undefined) return settled;
    checkStart(room, change);
    return sendMembership(store, draft, change.serverNames)(room);
  });
}

/**
 * Sends a member event. Whom it names as having let somebody into a restricted room is for us to say, after looking,
 * and never for the client.
 */
export function sendMembership(
  store: RoomStore,
  draft: EventDraft,
  serverNames: readonly string[],
): Command<SentEvent> {
  return command(lookedAtBy(draft), async (room) => {
    const { join_authorised_via_users_server: _, ...asked } = draft.content;
    const content = { ...asked, ...(await authorisation(store, room, { ...draft, content: asked }, serverNames)) };
    return sendEvent(store, { ...draft, content }, undefined)(room);
  });
}

/** Longer than anybody goes on trying to send one request. */
const ASKED_AGAIN_WITHIN_MS = 60_000;

/**
 * Leaving twice is no error; who never was there cannot leave. Nor is it one to ask again for what one has just done: the
 * answer to a kick may have been lost on its way, between services as well as to the client.
 */
function alreadySo(
  { head }: LocalPlacement,
  { action, target }: MembershipChange,
  draft: EventDraft,
): SentEvent | undefined {
  const entry = head.entry('m.room.member', target);
  if (entry?.membership !== 'leave') return undefined;
  const settled = { eventId: entry.eventId, roomSeq: head.roomSeq };
  if (action === 'leave') return settled;
  if (action !== 'kick' && action !== 'unban') return undefined;
  const { pdu } = entry.event;
  const isRecent = draft.originServerTs - pdu.origin_server_ts < ASKED_AGAIN_WITHIN_MS;
  return isRecent && pdu.sender === draft.sender && sameContent(pdu.content, draft.content) ? settled : undefined;
}

/** In a room that we do not take part in, all that can be done is to decline an invite or to take back a knock. */
async function ended(
  room: LocalPlacement,
  { action, target }: MembershipChange,
  draft: EventDraft,
): Promise<SentEvent | undefined> {
  const entry = room.head.entry('m.room.member', target);
  if (room.head.stateNid !== undefined) return undefined;
  if (action !== 'leave' || entry === undefined || !['invite', 'knock'].includes(entry.membership ?? '')) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'This server does not take part in the room');
  }
  const { event, roomSeq } = await room.endOutOfBand(draft, entry);
  return { eventId: event.eventId, roomSeq: roomSeq! };
}

function checkStart({ head }: LocalPlacement, { action, target }: MembershipChange): void {
  if (canStartFrom(action, head.membership(target))) return;
  throw new MatrixError(403, 'M_FORBIDDEN', `${target} is not ${action === 'unban' ? 'banned' : 'in the room'}`);
}

/** The user in whose name a join to a restricted room is authorised, where one is needed. */
async function authorisation(
  store: RoomStore,
  { head }: LocalPlacement,
  { content, sender, stateKey }: EventDraft,
  serverNames: readonly string[],
): Promise<JsonObject> {
  const joins = content.membership === 'join' && stateKey === sender;
  if (!joins || ['join', 'invite'].includes(head.membership(sender))) return {};
  const user = await authorisingUser(store, head, sender, serverNames);
  return user === undefined ? {} : { join_authorised_via_users_server: user };
}
