import { randomUUID } from 'node:crypto';
import { MatrixError } from '@ganglion/contracts';
import {
  authTypesForEvent,
  buildEvent,
  CanonicalJsonError,
  checkAuth,
  domainOf,
  hashAndSignEvent,
  type JsonObject,
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
} from '@ganglion/protocol';
import type { RoomStore } from './ports.js';
import type { Extremity, RoomHead, StateEntry } from './room-head.js';

/** What somebody wants to send, before it has a place in the room. */
export interface EventDraft {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string | undefined;
  readonly content: JsonObject;
  readonly redacts?: string | undefined;
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
  constructor(
    private readonly store: RoomStore,
    private readonly keys: SigningKeys,
  ) {}

  /** @throws MatrixError M_TOO_LARGE, M_FORBIDDEN with the rule that refused, M_BAD_JSON */
  async build(head: RoomHead, draft: EventDraft): Promise<BuiltEvent> {
    checkFields(draft);
    const authEntries = await this.#authEntries(head, draft);
    const signed = await this.#sign(head, draft, authEntries);
    authorise(head, signed.event);
    return {
      ...signed,
      authNids: authEntries.map((entry) => entry.nid),
      prevNids: head.extremities.map((extremity) => extremity.nid),
    };
  }

  /** The entries of the current state that the rules look at for this event, with their events loaded. */
  async #authEntries(head: RoomHead, draft: EventDraft): Promise<StateEntry[]> {
    const outline = { ...draft, ...(draft.stateKey !== undefined && { state_key: draft.stateKey }) };
    const entries = authTypesForEvent(outline, head.rules).flatMap(([type, key]) => head.entry(type, key) ?? []);
    await this.store.loadEvents(head, entries);
    return entries;
  }

  async #sign(head: RoomHead, draft: EventDraft, authEntries: readonly StateEntry[]) {
    const serverName = domainOf(draft.sender);
    const key = this.keys.get(serverName);
    if (key === undefined) throw new MatrixError(403, 'M_FORBIDDEN', `${draft.sender} is not a user of this server`);
    const place = {
      ...(head.rules.eventIdFormat === 'in-event' && { event_id: `$${randomUUID()}:${serverName}` }),
      roomId: head.roomId,
      depth: nextDepth(head.extremities.map(({ depth }) => depth)),
      prev_events: await this.#references(head, head.extremities),
      auth_events: await this.#references(head, authEntries),
    };
    const wording = { ...draft, state_key: draft.stateKey, origin_server_ts: draft.originServerTs };
    const { eventId, pdu } = explainUnsignable(() =>
      hashAndSignEvent(buildEvent(wording, place, head.rules), head.rules, serverName, key),
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

  /** Ids of events as an event refers to them; the first two room versions want their hashes beside them. */
  async #references(head: RoomHead, referred: readonly (StateEntry | Extremity)[]) {
    if (head.rules.eventIdFormat !== 'in-event') return referred.map(({ eventId }) => eventId);
    await this.store.loadEvents(head, referred);
    return referred.map(({ eventId, event }) => {
      if (event === undefined) throw new Error(`event ${eventId} of room ${head.roomId} cannot be loaded`);
      return [eventId, { sha256: referenceHash(event.pdu, head.rules) }] as const;
    });
  }
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
