import { randomUUID } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import {
  buildEvent,
  CanonicalJsonError,
  checkAuth,
  domainOf,
  type EventPlace,
  hashAndSignEvent,
  type JsonObject,
  MAX_PREV_EVENTS,
  nextDepth,
  type Pdu,
  PduTooLargeError,
  type RoomEvent,
  type RoomVersionRules,
  referenceHash,
  requiredSigners,
  roomIdOfCreate,
  type SigningKey,
  signEvent,
  type UnsignedEvent,
} from '@ganglion/protocol';
import type { StateKey } from './ports/rooms.js';
import type { Extremity, RoomHead, StateEntry } from './room-head.js';

/** What somebody wants to send, before it has a place in the room. */
export interface EventDraft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
  readonly redacts?: string | undefined;
  /** Whatever power the sender has, they redact nothing but their own events. */
  readonly redactsOwnOnly?: boolean | undefined;
  /** Milliseconds since the epoch. */
  readonly originServerTs: number;
}

export interface BuiltEvent {
  readonly event: RoomEvent;
  readonly json: string;
  readonly authNids: readonly number[];
  readonly prevNids: readonly number[];
}

/** The keys that events of our users are signed with, by server name. */
export type SigningKeys = ReadonlyMap<string, SigningKey>;

/** Builds events on the head of a room, as the server of their sender: selects auth events, hashes, signs, authorises. */
export class EventBuilder {
  constructor(private readonly keys: SigningKeys) {}

  /**
   * @param authKeys the keys whose entries authorise the event; the head must know them
   * @throws MatrixError M_TOO_LARGE, M_FORBIDDEN with the rule that refused, M_BAD_JSON
   */
  build(head: RoomHead, draft: EventDraft, authKeys: readonly StateKey[]): BuiltEvent {
    checkFields(draft);
    const authEntries = authKeys.flatMap(({ type, stateKey }) => head.entry(type, stateKey) ?? []);
    const signed = this.#sign(head, draft, authEntries);
    authorise(head, signed.event);
    return {
      ...signed,
      authNids: authEntries.map((entry) => entry.nid),
      prevNids: previousOf(head).map((extremity) => extremity.nid),
    };
  }

  /**
   * An event as a user of another server may sign and send it: authorised, but without hashes and signatures.
   *
   * @throws MatrixError M_TOO_LARGE, M_FORBIDDEN with the rule that refused, M_BAD_JSON
   */
  template(head: RoomHead, draft: EventDraft, authKeys: readonly StateKey[]): UnsignedEvent {
    checkFields(draft);
    const authEntries = authKeys.flatMap(({ type, stateKey }) => head.entry(type, stateKey) ?? []);
    const event = explainUnsignable(() => buildEvent(wordingOf(draft), placeIn(head, authEntries), head.rules));
    const { join_authorised_via_users_server: authoriser } = event.content;
    // It will be signed by us, too, when it comes back.
    const signatures = typeof authoriser === 'string' ? { [domainOf(authoriser)]: { 'ed25519:0': '' } } : {};
    const pdu = { ...event, hashes: { sha256: '' }, signatures };
    authorise(head, { eventId: '', roomId: head.roomId, pdu, rejected: false });
    return event;
  }

  /** Adds the signature of one of our server names to an event of another server. */
  cosign(pdu: Pdu, rules: RoomVersionRules, serverName: string): Pdu {
    const key = this.keys.get(serverName);
    if (key === undefined) throw new Error(`there is no key of ${serverName}`);
    return signEvent(pdu, rules, serverName, key);
  }

  /**
   * Builds the end of a membership in a room that we do not take part in: it follows the event that it ends, which is all
   * that is known of the room, so that no rule can be asked.
   *
   * @throws MatrixError M_TOO_LARGE, M_BAD_JSON
   */
  buildOutOfBand(head: RoomHead, draft: EventDraft, ended: StateEntry): Omit<BuiltEvent, 'authNids' | 'prevNids'> {
    checkFields(draft);
    const { nid, eventId, event } = ended;
    const alone = head.draft();
    alone.extremities = [{ nid, eventId, depth: event.pdu.depth, stateNid: 0, hash: hashOf(ended, head.rules) }];
    return this.#sign(alone, draft, [ended]);
  }

  #sign(head: RoomHead, draft: EventDraft, authEntries: readonly StateEntry[]) {
    const serverName = domainOf(draft.sender);
    const key = this.keys.get(serverName);
    if (key === undefined) throw new MatrixError(403, 'M_FORBIDDEN', `${draft.sender} is not a user of this server`);
    const place = {
      ...(head.rules.eventIdFormat === 'in-event' && { event_id: `$${randomUUID()}:${serverName}` }),
      ...placeIn(head, authEntries),
    };
    const { eventId, pdu } = explainUnsignable(() =>
      hashAndSignEvent(buildEvent(wordingOf(draft), place, head.rules), head.rules, serverName, key),
    );
    const roomId = pdu.room_id ?? roomIdOfCreate(eventId);
    const signed = this.#cosigned(pdu, head.rules, serverName);
    return { event: { eventId, roomId, pdu: signed, rejected: false }, json: JSON.stringify(signed) };
  }

  /** A join that another server name of ours authorises counts only with its signature, too. */
  #cosigned(pdu: Pdu, rules: RoomVersionRules, serverName: string): Pdu {
    if (pdu.type !== 'm.room.member' || pdu.content.join_authorised_via_users_server === undefined) return pdu;
    const others = requiredSigners(pdu, rules).filter((name) => name !== serverName);
    return others.reduce((signed, name) => {
      const key = this.keys.get(name);
      return key === undefined ? signed : signEvent(signed, rules, name, key);
    }, pdu);
  }
}

/** Where an event is to stand: after all forward extremities. */
function placeIn(head: RoomHead, authEntries: readonly StateEntry[]): EventPlace {
  return {
    roomId: head.roomId,
    depth: nextDepth(head.extremities.map(({ depth }) => depth)),
    prev_events: references(
      previousOf(head).map(({ eventId, hash }) => [eventId, hash ?? ''] as const),
      head.rules,
    ),
    auth_events: references(
      authEntries.map((entry) => [entry.eventId, hashOf(entry, head.rules)] as const),
      head.rules,
    ),
  };
}

function wordingOf(draft: EventDraft) {
  return { ...draft, state_key: draft.stateKey, origin_server_ts: draft.originServerTs };
}

/** The events that a new one follows: the latest ones, where there are more than an event may name. */
function previousOf({ extremities }: RoomHead): readonly Extremity[] {
  if (extremities.length <= MAX_PREV_EVENTS) return extremities;
  return extremities.toSorted((one, other) => other.depth - one.depth).slice(0, MAX_PREV_EVENTS);
}

function hashOf({ event }: StateEntry, rules: RoomVersionRules): string {
  return rules.eventIdFormat === 'in-event' ? referenceHash(event.pdu, rules) : '';
}

/** Ids of events as an event refers to them; the first two room versions want their hashes beside them. */
function references(referred: readonly (readonly [eventId: string, hash: string])[], rules: RoomVersionRules) {
  if (rules.eventIdFormat !== 'in-event') return referred.map(([eventId]) => eventId);
  return referred.map(([eventId, sha256]) => [eventId, { sha256 }] as const);
}

/** What cannot be signed, for its size or for numbers that canonical JSON does not carry, is the client's mistake. */
function explainUnsignable<T>(sign: () => T): T {
  try {
    return sign();
  } catch (error) {
    if (error instanceof PduTooLargeError) throw new MatrixError(413, 'M_TOO_LARGE', error.message);
    if (!(error instanceof CanonicalJsonError)) throw error;
    throw new MatrixError(400, 'M_BAD_JSON', `The event cannot be signed: ${error.message}`);
  }
}

/** What no database can hold. */
function checkFields({ type, stateKey }: EventDraft): void {
  for (const [name, value] of Object.entries({ type, state_key: stateKey ?? '' })) {
    if (value.includes('\0')) throw new MatrixError(400, 'M_BAD_JSON', `${name} must not contain U+0000`);
  }
}

function authorise(head: RoomHead, event: RoomEvent): void {
  const decision = checkAuth(event, (type, stateKey) => head.event(type, stateKey), head.rules);
  if (!decision.allowed) throw new MatrixError(403, 'M_FORBIDDEN', decision.reason);
}
