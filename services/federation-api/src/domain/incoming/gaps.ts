import type { RoomDescription, RoomIntake } from '@ganglion/contracts/room';
import { authEventIds, prevEventIds, type RoomVersionRules, roomVersionRules } from '@ganglion/protocol';
import { isVerified, type PduVerifier, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { Asked, RemoteEvents } from '../ports/incoming.js';
import { type Giver, type WaitingPdu, waitingOf } from './room-pdus.js';
import { RoomStates } from './room-states.js';

/** A room in which something is missing, and who gave us what it is missing before. */
export interface GapInRoom extends Giver {
  readonly room: RoomDescription;
}

export interface GapsDependencies {
  readonly intake: RoomIntake;
  readonly pdus: PduVerifier;
  readonly remote: RemoteEvents;
  readonly logger: { info(fields: object, message: string): void };
}

/** Servers give no more at once, whatever they are asked for. */
const EVENTS_A_ROUND = 20;
/** What is further away is history: it is asked for when somebody wants to read it. */
const MOST_ROUNDS = 5;
/** Events whose place is decided by a state that another server tells of. */
const MOST_STATES = 5;
/** The other server waits for its answer. */
const LONGEST_MS = 30_000;

/**
 * Fills what is missing before events that have come: first with the events themselves, then, where those are too many or nobody
 * gives them, by the state that the other server says was there. What is still missing after that waits: for the next event, or for
 * somebody else who has it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#retrieving-events
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export class Gaps {
  /** Rooms in which this replica fills gaps: two of one room would ask for the same. */
  readonly #lines = new Map<string, Promise<void>>();

  constructor(private readonly deps: GapsDependencies) {}

  /** Never fails: what cannot be had waits. */
  async fill(gap: GapInRoom, waiting: readonly WaitingPdu[]): Promise<void> {
    const { roomId } = gap.room;
    const line = (this.#lines.get(roomId) ?? Promise.resolve()).then(() => this.#try(gap, waiting));
    this.#lines.set(roomId, line);
    await line;
    if (this.#lines.get(roomId) === line) this.#lines.delete(roomId);
  }

  async #try(gap: GapInRoom, waiting: readonly WaitingPdu[]): Promise<void> {
    try {
      await new GapFiller(this.deps, gap, waiting).fill(Date.now() + LONGEST_MS);
    } catch (error) {
      const fields = { err: error, room_id: gap.room.roomId, origin: gap.origin };
      this.deps.logger.info(fields, 'a gap in a room could not be filled');
    }
  }
}

/** One gap. */
class GapFiller {
  /** What waits, by event id. */
  readonly #waiting = new Map<string, WaitingPdu>();
  /** What was sent to us, by event id. Whoever sends what nothing leads to, and gives nothing of that, does not decide on a state. */
  readonly #sent: ReadonlySet<string>;
  readonly #rules: RoomVersionRules;
  readonly #asked: Asked;
  readonly #states: RoomStates;

  constructor(
    private readonly deps: GapsDependencies,
    private readonly gap: GapInRoom,
    waiting: readonly WaitingPdu[],
  ) {
    const { room, origin, destination } = gap;
    for (const each of waiting) this.#waiting.set(each.pdu.eventId, each);
    this.#sent = new Set(this.#waiting.keys());
    this.#rules = roomVersionRules(room.roomVersion)!;
    this.#asked = { server: origin, as: destination, roomId: room.roomId };
    this.#states = new RoomStates(deps, this.#asked, this.#rules);
  }

  async fill(deadline: number): Promise<void> {
    // It may have been filled while this waited.
    await this.#settle();
    for (let round = 0; round < MOST_ROUNDS && Date.now() < deadline; round++) {
      if (!(await this.#fetchEvents())) break;
      await this.#settle();
    }
    for (const { pdu, missing } of this.#withMissing(authEventIds)) {
      if (Date.now() > deadline) return;
      await this.#states.fetchAuth(pdu, missing);
    }
    await this.#settle();
    for (let state = 0; state < MOST_STATES && Date.now() < deadline; state++) {
      const earliest = this.#withMissing(prevEventIds).find(({ pdu }) => !this.#sent.has(pdu.eventId));
      if (earliest === undefined) return;
      const placed = await this.#states.place(earliest.pdu);
      this.#waiting.delete(earliest.pdu.eventId);
      if (placed) await this.#settle();
    }
  }

  /** Asks for what comes before what waits. Whether anything came that was not there before. */
  async #fetchEvents(): Promise<boolean> {
    const latest = this.#withMissing(prevEventIds).map(({ pdu }) => pdu.eventId);
    if (latest.length === 0) return false;
    const { forwardExtremityIds } = this.gap.room;
    const between = {
      earliest: forwardExtremityIds.slice(0, EVENTS_A_ROUND),
      latest: latest.slice(0, EVENTS_A_ROUND),
      limit: EVENTS_A_ROUND,
    };
    const received = await this.deps.remote.missingEvents(this.#asked, between).catch(() => []);
    const verdicts = await this.deps.pdus.verify(received.slice(0, EVENTS_A_ROUND), this.#asked.roomId, this.#rules);
    const fresh = verdicts.filter(isVerified).filter(({ eventId }) => !this.#waiting.has(eventId));
    if (fresh.length === 0) return false;
    await this.#receive(fresh);
    return true;
  }

  async #receive(pdus: readonly VerifiedPdu[]): Promise<void> {
    const { roomId } = this.#asked;
    const pdusJson = pdus.map(({ json }) => json);
    const { outcomes } = await this.deps.intake.receivePdus({
      roomId,
      pdusJson,
      backfill: false,
      serverName: undefined,
    });
    for (const each of waitingOf(pdus, outcomes)) this.#waiting.set(each.pdu.eventId, each);
  }

  /** Forgets what waits no more, and what is missing no more. */
  async #settle(): Promise<void> {
    if (this.#waiting.size === 0) return;
    const asked = [...this.#waiting.values()].flatMap(({ pdu, missing }) => [pdu.eventId, ...missing]);
    const { roomId } = this.#asked;
    const known = await this.deps.intake.listUnknownEvents({ roomId, eventIds: [...new Set(asked)] });
    const unknown = new Set(known.eventIds);
    const unplaced = new Set(known.unplacedEventIds);
    for (const [eventId, { pdu, missing }] of this.#waiting) {
      const before = new Set(prevEventIds(pdu.pdu));
      const isMissing = (id: string) => unknown.has(id) || (before.has(id) && unplaced.has(id));
      const left = missing.filter((id) => isMissing(id) && !this.#waiting.has(id));
      // What is part of a state is known before it has its place.
      if (!unknown.has(eventId) && left.length === 0) this.#waiting.delete(eventId);
      else this.#waiting.set(eventId, { pdu, missing: left });
    }
  }

  /** What waits for something that nobody here has and that it refers to in such a way, the earliest first. */
  #withMissing(references: (pdu: VerifiedPdu['pdu']) => readonly string[]): WaitingPdu[] {
    return [...this.#waiting.values()]
      .filter(({ pdu: { pdu }, missing }) => references(pdu).some((id) => missing.includes(id)))
      .sort((one, other) => one.pdu.pdu.depth - other.pdu.pdu.depth);
  }
}
