import type { AuthState } from '../auth/auth-state.js';
import { authTypesForEvent } from '../auth/auth-types.js';
import { checkAuth } from '../auth/check-auth.js';
import { checkAuthEvents } from '../auth/check-auth-events.js';
import type { AuthDecision } from '../auth/decision.js';
import { buildEvent, type EventDraft } from '../events/build-event.js';
import { nextDepth } from '../events/limits.js';
import { authEventIds, type Pdu, type RoomEvent } from '../events/pdu.js';
import { createEventIdOf, roomIdOfCreate } from '../identifiers/room-id.js';
import { domainOf } from '../identifiers/user-id.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type StateMap, type StateTuple, stateTuple } from '../rooms/state-map.js';
import { referenceHash } from '../signing/event-hash.js';
import { requiredSigners } from '../signing/required-signers.js';
import { hashAndSignEvent, signEvent } from '../signing/sign-event.js';
import type { SigningKey } from '../signing/signing-key.js';
import { resolveState } from '../state/resolve-state.js';

/** An event of a room that was written for a test, and what a server that knows all events before it makes of it. */
export interface WrittenEvent {
  readonly eventId: string;
  readonly pdu: Pdu;
  /** The event as another server sends it: JSON text, hashed and signed. */
  readonly json: string;
  /** The ids of its `prev_events`. */
  readonly prevs: readonly string[];
  /** Whether its auth events or the state before it refuse it. */
  readonly rejected: boolean;
  /** The resolution of the states after its `prev_events`. */
  readonly stateBefore: StateMap<string>;
  /** The state before it, with the event itself if it is a state event that is not rejected. */
  readonly stateAfter: StateMap<string>;
}

/** What an event may say of its place other than an honest server would. */
export interface Claims {
  /** The ids of its auth events, instead of those that the state before it holds for it. */
  readonly authEvents?: readonly string[] | undefined;
  readonly depth?: number | undefined;
}

/** The keys that servers sign with, by their names. */
export type SigningKeys = ReadonlyMap<string, SigningKey>;

/** What a room begins with, and how it comes by its ids. */
export interface RoomWriterOptions {
  readonly rules: RoomVersionRules;
  readonly keys: SigningKeys;
  /** Letters and digits that keep the ids of one room from being those of another, where servers choose them. */
  readonly salt: string;
}

/** Writes a room event by event: real ones, that stand every examination, each with the states before and after it. */
export class RoomWriter {
  readonly events: WrittenEvent[] = [];
  readonly rules: RoomVersionRules;
  private readonly keys: SigningKeys;
  private readonly salt: string;
  private readonly roomEvents = new Map<string, RoomEvent>();
  private readonly statesAfter = new Map<string, StateMap<string>>();
  private readonly resolutions = new Map<string, StateMap<string>>();
  private idOfRoom: string | undefined;

  constructor({ rules, keys, salt }: RoomWriterOptions) {
    this.rules = rules;
    this.keys = keys;
    this.salt = salt;
  }

  /** The id of the room; in version 12 and later it has none before its first event. */
  get roomId(): string {
    return this.idOfRoom ?? '';
  }

  event(eventId: string): RoomEvent | undefined {
    return this.roomEvents.get(eventId);
  }

  /** The resolution of the states after some events; after none, the empty state. */
  stateAfter(eventIds: readonly string[]): StateMap<string> {
    const key = [...eventIds].sort().join(' ');
    const known = this.resolutions.get(key);
    if (known !== undefined) return known;
    const states = eventIds.map((eventId) => this.statesAfter.get(eventId)!);
    const resolved = resolveState(states, this, this.rules);
    this.resolutions.set(key, resolved);
    return resolved;
  }

  /** Looks into a state. */
  lookIn(state: StateMap<string>): AuthState {
    return (type, stateKey) => this.roomEvents.get(state.get(stateTuple(type, stateKey)) ?? '');
  }

  /** Whether an event would be allowed in a state, without writing it. */
  allows(draft: EventDraft, state: StateMap<string>): boolean {
    const place = { roomId: this.roomId, event_id: '', prev_events: [], auth_events: [], depth: 0 };
    const pdu: Pdu = { ...buildEvent(draft, place, this.rules), hashes: { sha256: '' }, signatures: {} };
    const event = { eventId: '', roomId: this.roomId, pdu, rejected: false };
    return checkAuth(event, this.lookIn(state), this.rules, { isSignedBy: () => true }).allowed;
  }

  /** What an honest server names as the auth events of an event in a state. */
  authEventsFor({ type, sender, state_key, content }: EventDraft, state: StateMap<string>): string[] {
    const outline = { type, sender, content, ...(state_key !== undefined && { state_key }) };
    const authTypes = authTypesForEvent(outline, this.rules);
    return authTypes.map(([each, key]) => state.get(stateTuple(each, key))).filter((id) => id !== undefined);
  }

  /** Writes an event that follows others. The first must be m.room.create, which follows none. */
  write(draft: EventDraft, prevs: readonly string[], claims: Claims = {}): WrittenEvent {
    const stateBefore = this.stateAfter(prevs);
    const { eventId, pdu } = this.signAnother(draft, prevs, stateBefore, claims);
    this.idOfRoom ??= pdu.room_id ?? roomIdOfCreate(eventId);
    const event: RoomEvent = { eventId, roomId: this.idOfRoom, pdu, rejected: false };
    const rejected = !this.isAllowed(event, stateBefore);
    const stateAfter = rejected ? stateBefore : withEvent(stateBefore, event);
    this.roomEvents.set(eventId, { ...event, rejected });
    this.statesAfter.set(eventId, stateAfter);
    const written = { eventId, pdu, json: JSON.stringify(pdu), prevs, rejected, stateBefore, stateAfter };
    this.events.push(written);
    return written;
  }

  private isAllowed(event: RoomEvent, stateBefore: StateMap<string>): boolean {
    if (!this.checkAuthEvents(event).allowed) return false;
    return checkAuth(event, this.lookIn(stateBefore), this.rules).allowed;
  }

  private checkAuthEvents(event: RoomEvent): AuthDecision {
    const authEvents = authEventIds(event.pdu).map((eventId) => this.roomEvents.get(eventId)!);
    const create = this.rules.roomIdIsCreateHash ? this.roomEvents.get(createEventIdOf(event.roomId)) : undefined;
    return checkAuthEvents(event, authEvents, this.rules, { create });
  }

  /** Whoever says the same twice says it a moment later. */
  private signAnother(draft: EventDraft, prevs: readonly string[], stateBefore: StateMap<string>, claims: Claims) {
    let signed = this.sign(draft, prevs, stateBefore, claims);
    for (let later = 1; this.roomEvents.has(signed.eventId); later++) {
      const at = draft.origin_server_ts + later;
      signed = this.sign({ ...draft, origin_server_ts: at }, prevs, stateBefore, claims);
    }
    return signed;
  }

  private sign(draft: EventDraft, prevs: readonly string[], stateBefore: StateMap<string>, claims: Claims) {
    const server = domainOf(draft.sender);
    const unsigned = buildEvent(draft, this.place(draft, prevs, stateBefore, claims), this.rules);
    const { eventId, pdu } = hashAndSignEvent(unsigned, this.rules, server, this.keyOf(server));
    const cosigners = requiredSigners(pdu, this.rules).filter((name) => name !== server);
    const cosigned = (signed: Pdu, name: string) => signEvent(signed, this.rules, name, this.keyOf(name));
    return { eventId, pdu: cosigners.reduce(cosigned, pdu) };
  }

  private keyOf(server: string): SigningKey {
    const key = this.keys.get(server);
    if (key === undefined) throw new Error(`There is no key of ${server}`);
    return key;
  }

  private place(draft: EventDraft, prevs: readonly string[], stateBefore: StateMap<string>, claims: Claims) {
    const authEvents = claims.authEvents ?? this.authEventsFor(draft, stateBefore);
    const server = domainOf(draft.sender);
    return {
      ...(this.rules.eventIdFormat === 'in-event' && { event_id: `$${this.salt}${this.events.length}:${server}` }),
      roomId: this.idOfRoom ?? `!${this.salt}:${server}`,
      prev_events: this.references(prevs),
      auth_events: this.references(authEvents),
      depth: claims.depth ?? nextDepth(prevs.map((eventId) => this.roomEvents.get(eventId)!.pdu.depth)),
    };
  }

  /** In versions 1 and 2 events are referred to by their ids and hashes. */
  private references(eventIds: readonly string[]): Pdu['prev_events'] {
    if (this.rules.eventIdFormat !== 'in-event') return eventIds;
    return eventIds.map((id) => [id, { sha256: referenceHash(this.roomEvents.get(id)!.pdu, this.rules) }] as const);
  }
}

function withEvent(state: StateMap<string>, { eventId, pdu }: RoomEvent): StateMap<string> {
  if (pdu.state_key === undefined) return state;
  return new Map<StateTuple, string>(state).set(stateTuple(pdu.type, pdu.state_key), eventId);
}
