import { MatrixError } from '@ganglion/contracts';
import {
  canStartFrom,
  domainOf,
  isValidUserId,
  type JsonObject,
  type MembershipAction,
  membershipAfter,
} from '@ganglion/protocol';
import type { EventDraft } from './event-builder.js';
import { checkMemberIsKnown } from './partial-state.js';
import type { LocalPlacement } from './placement/local-placement.js';
import type { RoomStore, Transaction } from './ports/rooms.js';
import { authorisingUser } from './restricted-join.js';
import { type Command, command } from './room-actor.js';
import { letsGuestsIn } from './room-head.js';
import { lookedAtBy, type SentEvent, sendEvent } from './send-event.js';

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
  /** Whether the target is a guest. */
  readonly guest?: boolean | undefined;
  /** The same whenever one request is tried again. */
  readonly requestId?: string | undefined;
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
  const transaction = transactionOf(change);
  return command(
    lookedAtBy(draft),
    async (room) => {
      checkMemberIsKnown(room.head, change.target);
      const settled = alreadySo(room, change) ?? (await ended(room, change, draft));
      if (settled !== undefined) return settled;
      if (change.guest && change.action === 'join') checkLetsGuestsIn(room);
      if (canStartFrom(change.action, room.head.membership(change.target))) {
        return sendMembership(store, draft, change.serverNames, transaction)(room);
      }
      const earlier = transaction && (await store.findTransaction(room.head.nid, transaction));
      if (earlier === undefined) throw wrongStart(change);
      return earlier;
    },
    { isForBlocked: change.action === 'leave' },
  );
}

/**
 * Sends a member event. Whom it names as having let somebody into a restricted room is for us to say, after looking,
 * and never for the client.
 */
export function sendMembership(
  store: RoomStore,
  draft: EventDraft,
  serverNames: readonly string[],
  transaction?: Transaction,
): Command<SentEvent> {
  checkIsSignedHere(draft, serverNames);
  return command(
    lookedAtBy(draft),
    async (room) => {
      if (draft.stateKey !== undefined) checkMemberIsKnown(room.head, draft.stateKey);
      const { join_authorised_via_users_server: _, ...asked } = draft.content;
      const content = { ...asked, ...(await authorisation(room, { ...draft, content: asked }, serverNames)) };
      return sendEvent(store, { ...draft, content }, transaction)(room);
    },
    { isForBlocked: draft.content.membership === 'leave' && draft.stateKey === draft.sender },
  );
}

/**
 * An invite of a user of another server counts with the signature of that one: whoever makes such an invite goes there first.
 *
 * @throws MatrixError M_FORBIDDEN
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export function checkIsSignedHere(
  { type, stateKey, content }: Pick<EventDraft, 'type' | 'stateKey' | 'content'>,
  serverNames: readonly string[],
): void {
  if (type !== 'm.room.member' || content.membership !== 'invite' || !isValidUserId(stateKey)) return;
  if (serverNames.includes(domainOf(stateKey))) return;
  throw new MatrixError(403, 'M_FORBIDDEN', `${stateKey} has to be invited by way of their own server`);
}

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
function checkLetsGuestsIn({ head }: LocalPlacement): void {
  if (letsGuestsIn(head)) return;
  throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'This room does not let guests in');
}

/** Between services an answer may be lost, and the request be sent again. No device shows it as its own echo. */
function transactionOf({ sender, requestId }: MembershipChange): Transaction | undefined {
  return requestId === undefined ? undefined : { userId: sender, deviceId: '', scope: 'membership', txnId: requestId };
}

/** Leaving twice is no error; who never was there cannot leave. */
function alreadySo({ head }: LocalPlacement, { action, target }: MembershipChange): SentEvent | undefined {
  const entry = head.entry('m.room.member', target);
  if (action !== 'leave' || entry?.membership !== 'leave') return undefined;
  return { eventId: entry.eventId, roomSeq: head.roomSeq };
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

function wrongStart({ action, target }: MembershipChange): MatrixError {
  if (action === 'unban') return new MatrixError(403, 'M_BAD_STATE', `${target} is not banned`);
  return new MatrixError(403, 'M_FORBIDDEN', `${target} is not in the room`);
}

/** The user in whose name a join to a restricted room is authorised, where one is needed. */
async function authorisation(
  { head, plan }: LocalPlacement,
  { content, sender, stateKey }: EventDraft,
  serverNames: readonly string[],
): Promise<JsonObject> {
  const joins = content.membership === 'join' && stateKey === sender;
  if (!joins || ['join', 'invite'].includes(head.membership(sender))) return {};
  const user = await authorisingUser(plan, sender, serverNames);
  return user === undefined ? {} : { join_authorised_via_users_server: user };
}
