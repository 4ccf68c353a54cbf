import {
  type JsonObject,
  type RoomEvent,
  type RoomVersionRules,
  redactContent,
  type StateTuple,
  splitStateTuple,
  stateTuple,
} from '@ganglion/protocol';

/** One entry of a room's current state. */
export interface StateEntry {
  /** Of the event. */
  readonly nid: number;
  readonly eventId: string;
  /** Of m.room.member events. */
  readonly membership?: string;
  /** The event is kept as it was signed, to authorise by, but must not be shown or taken over any more. */
  readonly redacted: boolean;
  readonly event: RoomEvent;
}

/** A pair of type and state key as far as it is known: its number once it has one, and what the current state has for it. */
export interface KnownKey {
  readonly keyNid: number | undefined;
  readonly entry: StateEntry | undefined;
}

export interface Extremity {
  readonly nid: number;
  readonly eventId: string;
  readonly depth: number;
  /** The state after it. */
  readonly stateNid: number;
  /** Its reference hash, in rooms in which events refer to others by that, too. */
  readonly hash?: string | undefined;
}

/** What of a room changes with each commit. */
export interface RoomProgress {
  /** How many commits the room has seen. */
  version: number;
  /** Of the last live event, committed or about to be. */
  roomSeq: number;
  /** Of the last event that was backfilled: 0, -1, -2 … */
  backSeq: number;
  /** The current state; undefined while there is none. */
  stateNid: number | undefined;
  /** Whether no event has the current state before or after itself: it then goes when it is replaced. */
  stateIsOwn: boolean;
  extremities: readonly Extremity[];
  /** Whether one of our users is joined. */
  participating: boolean;
  /** Whether the state before our join is not complete yet. */
  partialState: boolean;
  /** Whether the operator wants nothing to happen there. */
  blocked: boolean;
}

const EMPTY: KnownKey = { keyNid: undefined, entry: undefined };
/** Lies over what the head below knows. */
const UNKNOWN: KnownKey = { keyNid: undefined, entry: undefined };
const MEMBER = 'm.room.member';
/** Bytes, roughly. */
const WEIGHT_OF_ENTRY = 2_500;

/**
 * A room as of one version: what the next event is built on. All of its current state is loaded but for the members, of
 * whom a room may have very many: they are loaded as they are asked for.
 *
 * Events that wait for their commit are put on a draft, which lies over the head: when the commit fails the draft is
 * thrown away and the head learns what has changed.
 */
export class RoomHead implements RoomProgress {
  readonly #keys = new Map<StateTuple, KnownKey>();
  readonly #base: RoomHead | undefined;
  version = 0;
  roomSeq = 0;
  backSeq = 0;
  stateNid: number | undefined;
  stateIsOwn = false;
  extremities: readonly Extremity[] = [];
  participating = true;
  partialState = false;
  blocked = false;
  /** Of a room that is just being made: what is not known is not there. */
  isComplete = false;

  constructor(
    readonly nid: number,
    /** Set once more for a new room of version 12, whose id its create event decides. */
    public roomId: string,
    readonly rules: RoomVersionRules,
    base?: RoomHead,
  ) {
    this.#base = base;
  }

  /** The head under all drafts. */
  get root(): RoomHead {
    return this.#base?.root ?? this;
  }

  /** A head over this one: what is set there is not seen here. */
  draft(): RoomHead {
    const draft = new RoomHead(this.nid, this.roomId, this.rules, this);
    draft.progress(this);
    draft.isComplete = this.isComplete;
    return draft;
  }

  /** Takes over what a draft has come to. */
  absorb(draft: RoomHead): void {
    for (const [tuple, known] of draft.#keys) {
      if (known === UNKNOWN) this.#keys.delete(tuple);
      else this.#keys.set(tuple, known);
    }
    this.progress(draft);
  }

  progress(other: RoomProgress): void {
    this.version = other.version;
    this.roomSeq = other.roomSeq;
    this.backSeq = other.backSeq;
    this.stateNid = other.stateNid;
    this.stateIsOwn = other.stateIsOwn;
    this.extremities = other.extremities;
    this.participating = other.participating;
    this.partialState = other.partialState;
    this.blocked = other.blocked;
  }

  /** Whether it is known what the current state has for a pair: always, unless it is a member who was not loaded. */
  knows(type: string, stateKey: string): boolean {
    return this.isComplete || type !== MEMBER || this.#find(stateTuple(type, stateKey)) !== undefined;
  }

  /** What the current state has for a pair. @throws Error for a member who was not loaded: a mistake in the program */
  entry(type: string, stateKey: string): StateEntry | undefined {
    return this.#known(type, stateKey).entry;
  }

  /** The number of a pair, once it has one. @throws Error for a member who was not loaded */
  keyNid(type: string, stateKey: string): number | undefined {
    return this.#known(type, stateKey).keyNid;
  }

  /** Sets what is known of a pair. */
  set(type: string, stateKey: string, known: KnownKey): void {
    this.#keys.set(stateTuple(type, stateKey), known);
  }

  event(type: string, stateKey: string): RoomEvent | undefined {
    return this.entry(type, stateKey)?.event;
  }

  /** The content of an entry as it may be shown. */
  shownContent(type: string, stateKey: string): JsonObject | undefined {
    const entry = this.entry(type, stateKey);
    if (entry === undefined) return undefined;
    const { content } = entry.event.pdu;
    return entry.redacted ? redactContent(type, content, this.rules) : content;
  }

  /** The membership of a user who was loaded; `leave` for whoever was never there. */
  membership(userId: string): string {
    return this.entry(MEMBER, userId)?.membership ?? 'leave';
  }

  /** The users whose membership is known. */
  knownMembers(): string[] {
    return [...this.#keys.keys()].map(splitStateTuple).flatMap(([type, userId]) => (type === MEMBER ? [userId] : []));
  }

  /** The entries of the current state that are known; of a draft, only those that it has changed. */
  entries(): [type: string, stateKey: string, entry: StateEntry][] {
    return [...this.#keys].flatMap(([tuple, { entry }]) => {
      const [type, stateKey] = splitStateTuple(tuple);
      return entry === undefined ? [] : [[type, stateKey, entry] as [string, string, StateEntry]];
    });
  }

  /** Forgets a member, who is loaded again when needed. */
  forget(type: string, stateKey: string): void {
    this.#keys.set(stateTuple(type, stateKey), UNKNOWN);
  }

  /** Bytes that it takes in memory, roughly. */
  get weight(): number {
    return 2_000 + WEIGHT_OF_ENTRY * this.#keys.size;
  }

  #known(type: string, stateKey: string): KnownKey {
    const known = this.#find(stateTuple(type, stateKey));
    if (known !== undefined) return known;
    if (type === MEMBER && !this.isComplete) throw new Error(`the member ${stateKey} was not loaded`);
    return EMPTY;
  }

  #find(tuple: StateTuple): KnownKey | undefined {
    const known = this.#keys.get(tuple) ?? (this.#base === undefined ? undefined : this.#base.#find(tuple));
    return known === UNKNOWN ? undefined : known;
  }
}

/** Whether guests may join a room. @see https://spec.matrix.org/v1.19/client-server-api/#mroomguest_access */
export function letsGuestsIn(head: RoomHead): boolean {
  return head.shownContent('m.room.guest_access', '')?.guest_access === 'can_join';
}
