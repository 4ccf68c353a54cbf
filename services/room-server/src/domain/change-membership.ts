import { MatrixError } from '@ganglion/contracts';
import { canStartFrom, type JsonObject, type MembershipAction, membershipAfter } from '@ganglion/protocol';
import type { CommitBuilder } from './commit-builder.js';
import type { EventDraft } from './event-builder.js';
import type { RoomStore } from './ports.js';
import { authorisingUser } from './restricted-join.js';
import type { Command } from './room-actor.js';
import { loaded, type SentEvent, sameContent, sendEvent } from './send-event.js';

export interface MembershipChange {
  readonly sender: string;
  readonly target: string;
  readonly action: MembershipAction;
  /** Further keys of the content: displayname, avatar_url, reason, is_direct … */
  readonly content: JsonObject;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
  /** Which users are ours, for those who may let others into restricted rooms. */
  readonly isLocal: (userId: string) => boolean;
}

/**
 * Joins, leaves, invites, kicks, bans, unbans or knocks. What already is as asked stays as it is.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#room-membership
 */
export function changeMembership(store: RoomStore, change: MembershipChange): Command<SentEvent> {
  return async (commit) => {
    const draft = {
      type: 'm.room.member',
      sender: change.sender,
      stateKey: change.target,
      content: { ...change.content, membership: membershipAfter(change.action) },
      originServerTs: change.originServerTs,
    };
    const settled = await alreadySo(store, commit, change, draft);
    if (settled !== undefined) return settled;
    checkStart(commit, change);
    return sendMembership(store, draft, change.isLocal)(commit);
  };
}

/**
 * Sends a member event. Whom it names as having let somebody into a restricted room is for us to say, after looking,
 * and never for the client.
 */
export function sendMembership(
  store: RoomStore,
  draft: EventDraft,
  isLocal: (userId: string) => boolean,
): Command<SentEvent> {
  return async (commit) => {
    const { join_authorised_via_users_server: _, ...asked } = draft.content;
    const content = { ...asked, ...(await authorisation(store, commit, { ...draft, content: asked }, isLocal)) };
    return sendEvent(store, { ...draft, content }, undefined)(commit);
  };
}

/** Longer than anybody goes on trying to send one request. */
const ASKED_AGAIN_WITHIN_MS = 60_000;

/**
 * Leaving twice is no error; who never was there cannot leave. Nor is it one to ask again for what one has just done: the
 * answer to a kick may have been lost on its way, between services as well as to the client.
 */
async function alreadySo(
  store: RoomStore,
  { head }: CommitBuilder,
  { action, target }: MembershipChange,
  draft: EventDraft,
): Promise<SentEvent | undefined> {
  const entry = head.entry('m.room.member', target);
  if (entry?.membership !== 'leave') return undefined;
  const settled = { eventId: entry.eventId, roomSeq: head.version };
  if (action === 'leave') return settled;
  if (action !== 'kick' && action !== 'unban') return undefined;
  const { pdu } = await loaded(store, head, entry);
  const isRecent = draft.originServerTs - pdu.origin_server_ts < ASKED_AGAIN_WITHIN_MS;
  return isRecent && pdu.sender === draft.sender && sameContent(pdu.content, draft.content) ? settled : undefined;
}

function checkStart({ head }: CommitBuilder, { action, target }: MembershipChange): void {
  if (canStartFrom(action, head.membership(target))) return;
  throw new MatrixError(403, 'M_FORBIDDEN', `${target} is not ${action === 'unban' ? 'banned' : 'in the room'}`);
}

/** The user in whose name a join to a restricted room is authorised, where one is needed. */
async function authorisation(
  store: RoomStore,
  { head }: CommitBuilder,
  { content, sender, stateKey }: EventDraft,
  isLocal: (userId: string) => boolean,
): Promise<JsonObject> {
  const joins = content.membership === 'join' && stateKey === sender;
  if (!joins || ['join', 'invite'].includes(head.membership(sender))) return {};
  const user = await authorisingUser(store, head, sender, isLocal);
  return user === undefined ? {} : { join_authorised_via_users_server: user };
}
