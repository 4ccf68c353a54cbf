import { type RoomEvent, stateTuple } from '@ganglion/protocol';
import { tracePoint } from '@ganglion/telemetry';
import type { BuiltEvent, EventBuilder, EventDraft } from './event-builder.js';
import type { NewCommittedEvent, NewState, NumberSource, RoomCommit, Transaction } from './ports.js';
import type { RoomHead, StateEntry } from './room-head.js';

/** A chain of deltas is walked to read an old state; a snapshot costs space. The larger the room, the rarer. */
const SHORTEST_CHAIN = 32;

export interface AppendOptions {
  readonly transaction?: Transaction | undefined;
  /** The event that this redaction takes the content of. */
  readonly redacts?: RoomEvent | undefined;
}

/** Gathers the events of one commit to one room, each built on the ones before it. */
export class CommitBuilder {
  readonly #seenVersion: number;
  readonly #events: NewCommittedEvent[] = [];

  constructor(
    readonly head: RoomHead,
    private readonly builder: EventBuilder,
    private readonly numbers: NumberSource,
    /** An earlier attempt met a newer room, or a transaction that was committed before. */
    readonly afterConflict = false,
  ) {
    this.#seenVersion = head.version;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** The event that a transaction has added to this commit, when the same request came twice at once. */
  sentIn(transaction: Transaction): NewCommittedEvent | undefined {
    return this.#events.find((added) => added.transaction !== undefined && isSame(added.transaction, transaction));
  }

  /** Builds the event on the head and applies it there. @throws MatrixError; then nothing has changed */
  async append(draft: EventDraft, options: AppendOptions = {}): Promise<NewCommittedEvent> {
    const built = await this.builder.build(this.head, draft);
    const nid = await this.numbers.allocate();
    const stateNid = draft.stateKey === undefined ? this.head.stateNid : await this.numbers.allocate();
    const added = this.#apply(built, nid, stateNid, options);
    this.#events.push(added);
    return added;
  }

  commit(): RoomCommit {
    const { head } = this;
    return {
      roomNid: head.nid,
      roomId: head.roomId,
      roomVersion: head.rules.id,
      seenVersion: this.#seenVersion,
      version: head.version,
      stateNid: head.stateNid,
      extremityNids: head.extremities.map(({ nid }) => nid),
      events: this.#events,
    };
  }

  #apply(built: BuiltEvent, nid: number, stateNid: number, options: AppendOptions): NewCommittedEvent {
    const { head } = this;
    const { event } = built;
    const stateBeforeNid = head.stateNid;
    if (options.redacts !== undefined) this.#markRedacted(options.redacts);
    const newState = event.pdu.state_key === undefined ? undefined : this.#applyState(nid, stateNid, built);
    head.version += 1;
    const byHash = head.rules.eventIdFormat === 'in-event';
    head.extremities = [{ nid, eventId: event.eventId, depth: event.pdu.depth, ...(byHash && { event }) }];
    return {
      nid,
      roomSeq: head.version,
      event,
      json: built.json,
      prevNids: built.prevNids,
      authNids: built.authNids,
      stateBeforeNid,
      stateAfterNid: head.stateNid,
      newState,
      transaction: options.transaction,
      redactsEventId: options.redacts?.eventId,
      tracePoint: tracePoint(),
    };
  }

  #markRedacted({ eventId, pdu }: RoomEvent): void {
    const entry = pdu.state_key === undefined ? undefined : this.head.entry(pdu.type, pdu.state_key);
    if (entry?.eventId === eventId) entry.redacted = true;
  }

  #applyState(nid: number, stateNid: number, { event }: BuiltEvent): NewState {
    const { head } = this;
    const { type, state_key, content } = event.pdu;
    const membership = type === 'm.room.member' ? content.membership : undefined;
    const entry: StateEntry = {
      nid,
      eventId: event.eventId,
      redacted: false,
      ...(typeof membership === 'string' && { membership }),
      event,
    };
    head.state.set(stateTuple(type, state_key ?? ''), entry);
    const full = head.version === 0 || head.chainLength >= longestChain(head.state.size);
    const newState: NewState = {
      nid: stateNid,
      baseNid: full ? undefined : head.stateNid,
      chainLength: full ? 0 : head.chainLength + 1,
      addedNids: full ? [...head.state.values()].map((other) => other.nid) : [nid],
    };
    head.stateNid = newState.nid;
    head.chainLength = newState.chainLength;
    return newState;
  }
}

function isSame(one: Transaction, other: Transaction): boolean {
  const { userId, deviceId, scope, txnId } = other;
  return one.txnId === txnId && one.scope === scope && one.deviceId === deviceId && one.userId === userId;
}

function longestChain(entries: number): number {
  return Math.max(SHORTEST_CHAIN, Math.ceil(4 * Math.sqrt(entries)));
}
