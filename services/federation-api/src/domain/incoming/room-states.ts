import { PduFate, type RoomIntake } from '@ganglion/contracts/room';
import { authEventIds, type RoomVersionRules } from '@ganglion/protocol';
import { byAuth } from '../pdus/by-auth.js';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import { type Asked, isOver, type RemoteEvents } from '../ports/incoming.js';

export interface RoomStatesDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly remote: RemoteEvents;
}

/** More are not asked for one by one. */
const MOST_SINGLE_EVENTS = 50;
const EVENTS_AT_ONCE = 10;
/** What is verified, and handed to the room server, at once. */
const PIECE = 500;

/** What another server says was the state at an event, and what authorises it: fetched, verified and kept without a place. */
export class RoomStates {
  constructor(
    private readonly deps: RoomStatesDependencies,
    private readonly asked: Asked,
    private readonly rules: RoomVersionRules,
  ) {}

  /** Fetches what authorises an event. */
  async fetchAuth({ eventId, pdu }: VerifiedPdu, missing: readonly string[]): Promise<void> {
    const wanted = authEventIds(pdu).filter((id) => missing.includes(id));
    const chain = await this.deps.remote.eventAuth(this.asked, eventId).catch(() => []);
    await this.#keep(chain);
    const left = await this.#unknown(wanted);
    if (left.length > 0) await this.#keep(await this.#single(left));
  }

  /** Places an event on the state that the server says was before it: as history, or as what is new. Whether it has its place now. */
  async place({ eventId, json }: VerifiedPdu, backfill = false): Promise<boolean> {
    const { roomId } = this.asked;
    const stateEventIds = await this.fetch(eventId);
    const placed = await this.deps.intake.placeWithState({ roomId, pduJson: json, stateEventIds, backfill });
    const fate = placed.outcomes[0]?.fate;
    return fate !== undefined && fate !== PduFate.INVALID && fate !== PduFate.WAITING;
  }

  /**
   * Fetches and keeps the state before an event. The ids of its events; what cannot be had, or was refused, is part of no state here.
   *
   * @param options.all the ids of these, too
   */
  async fetch(eventId: string, { all: withAll = false } = {}): Promise<string[]> {
    const { state, authChain } = await this.deps.remote.stateIds(this.asked, eventId);
    const unknown = await this.#unknown([...new Set([...authChain, ...state])]);
    if (unknown.length > 0) {
      const all = () => this.deps.remote.state(this.asked, eventId);
      if (unknown.length > MOST_SINGLE_EVENTS) await this.#keep(await all());
      else await this.#keep(await this.#single(unknown));
      // What is not given by itself may be given with the rest.
      const isLeft = unknown.length <= MOST_SINGLE_EVENTS && (await this.#unknown(state)).length > 0;
      if (isLeft) await this.#keep(await all().catch(() => []));
    }
    if (withAll) return state;
    const missing = new Set(await this.#unknown(state));
    return state.filter((id) => !missing.has(id));
  }

  async #unknown(eventIds: readonly string[]): Promise<string[]> {
    const { roomId } = this.asked;
    const { eventIds: unknown } = await this.deps.intake.listUnknownEvents({ roomId, eventIds: [...eventIds] });
    return unknown;
  }

  /** Events one by one; what the server does not give is left out. */
  async #single(eventIds: readonly string[]): Promise<unknown[]> {
    const events: unknown[] = [];
    for (let first = 0; first < Math.min(eventIds.length, MOST_SINGLE_EVENTS); first += EVENTS_AT_ONCE) {
      if (isOver(this.asked)) break;
      const ids = eventIds.slice(first, first + EVENTS_AT_ONCE);
      events.push(
        ...(await Promise.all(ids.map((id) => this.deps.remote.event(this.asked, id).catch(() => undefined)))),
      );
    }
    return events.filter((event) => event !== undefined);
  }

  /** Keeps what is signed as it must be, what authorises others before them. */
  async #keep(pdus: readonly unknown[]): Promise<void> {
    const { roomId } = this.asked;
    const verified: VerifiedPdu[] = [];
    for (let first = 0; first < pdus.length; first += PIECE) {
      const verdicts = await this.deps.pdus.verify(pdus.slice(first, first + PIECE), roomId, this.rules);
      verified.push(...verdicts.filter(isVerified));
    }
    const ordered = byAuth(verified);
    for (let first = 0; first < ordered.length; first += PIECE) {
      const pdusJson = ordered.slice(first, first + PIECE).map(({ json }) => json);
      await this.deps.intake.storeOutliers({ roomId, pdusJson, roomVersion: undefined });
    }
  }
}
