import { randomBytes } from 'node:crypto';
import type { EventWithId, LocalMembership, LoggedEvent, StateChange, TransactionKey } from '@ganglion/contracts/room';
import { type Pdu, parseHistoryVisibility, redactEvent, roomVersionRules } from '@ganglion/protocol';

/** What an entry of the state becomes: an event, or nothing. */
export interface Change {
  readonly type: string;
  readonly stateKey: string;
  /** Empty when the entry vanishes. */
  readonly eventId: string;
}

export interface NewEvent {
  readonly type: string;
  readonly sender: string;
  readonly stateKey?: string;
  readonly content: object;
  readonly redacts?: string;
  /** What else it makes of the state than itself, as state resolution may. */
  readonly stateChanges?: readonly Change[];
  /** All that it makes of the state, told in pages. */
  readonly jump?: readonly Change[];
  /** It does not become part of the room's state, as state resolution may decide. */
  readonly loses?: boolean;
  /** One more than that of the room's last event, unless it came late. */
  readonly depth?: number;
  readonly visibility?: string;
  readonly memberships?: readonly LocalMembership[];
  /** It tells of a room that we are not in, of which this is known. */
  readonly strippedState?: readonly object[];
  readonly eventId?: string;
  /** The state at it, where it is backfilled. */
  readonly stateAt?: readonly string[];
  readonly transaction?: { readonly userId: string; readonly deviceId: string; readonly txnId: string };
}

interface Stored {
  readonly eventNid: number;
  readonly eventId: string;
  readonly pdu: Pdu;
  readonly transaction: TransactionKey | undefined;
  redactedBy: Stored | undefined;
}

/** One room as room-server keeps it: its log, its state, and events that are in neither. */
export class Room {
  readonly version = '11';
  readonly live: LoggedEvent[] = [];
  readonly backfilled: LoggedEvent[] = [];
  /** What changed with events that changed too much, by their room_seq. */
  readonly jumps = new Map<number, StateChange[]>();
  readonly state = new Map<string, Stored>();
  readonly #statesAt = new Map<number, readonly string[]>();
  readonly #events = new Map<string, Stored>();
  readonly #keys = new Map<string, number>();
  /** Redactions whose targets have not come, by the ids of these. */
  readonly #early = new Map<string, Stored>();
  #depth = 0;

  constructor(
    readonly roomId: string,
    readonly roomNid: number,
  ) {}

  append(event: NewEvent): LoggedEvent {
    const before = this.#visibility();
    const stored = this.outlier(event);
    const logged = this.#logged(event, stored, (this.live.at(-1)?.roomSeq ?? 0) + 1);
    const changes = [...(event.jump ?? this.#changes(event, stored))].map((change) => this.#change(change));
    if (event.jump !== undefined) this.jumps.set(logged.roomSeq, changes);
    const visibility = event.visibility ?? this.#visibility();
    const told = {
      ...{ stateChanges: event.jump === undefined ? changes : [], hasMoreStateChanges: event.jump !== undefined },
      ...{ visibility, ...(before !== visibility && { previousVisibility: before }) },
    };
    this.live.push({ ...logged, ...told });
    return this.live.at(-1)!;
  }

  backfill(event: NewEvent): LoggedEvent {
    this.backfilled.push(this.#logged(event, this.outlier(event), (this.backfilled.at(-1)?.roomSeq ?? 0) - 1));
    this.#statesAt.set(this.backfilled.at(-1)!.eventNid, event.stateAt ?? []);
    return this.backfilled.at(-1)!;
  }

  /** The events of the state at one that was backfilled. */
  stateAt(eventNid: number): Pick<Stored, 'eventNid' | 'pdu'>[] {
    return (this.#statesAt.get(eventNid) ?? []).flatMap((id) => this.#events.get(id) ?? []);
  }

  /** Stores an event that has no place in the room. */
  outlier(event: NewEvent): Stored {
    const { type, sender, stateKey, content, redacts, transaction, depth = this.#depth + 1 } = event;
    this.#depth = Math.max(this.#depth, depth);
    const pdu = {
      ...{ room_id: this.roomId, type, sender, origin_server_ts: Date.now(), depth },
      content: redacts === undefined ? content : { ...content, redacts },
      ...(stateKey !== undefined && { state_key: stateKey }),
      ...{ prev_events: [], auth_events: [], hashes: { sha256: '' }, signatures: {} },
    } as unknown as Pdu;
    const eventId = event.eventId ?? `$${randomBytes(32).toString('base64url')}`;
    const eventNid = this.roomNid * 1_000 + this.#events.size + 1;
    const key = transaction && { ...transaction, scope: 'send' };
    const stored: Stored = { eventNid, eventId, pdu, transaction: key, redactedBy: this.#early.get(eventId) };
    this.#events.set(eventId, stored);
    if (redacts !== undefined) this.#redact(redacts, stored);
    return stored;
  }

  /** Events as they may be shown. */
  find(isWanted: (eventId: string, eventNid: number) => boolean): EventWithId[] {
    return [...this.#events.values()].filter(({ eventId, eventNid }) => isWanted(eventId, eventNid)).map(shown);
  }

  #redact(eventId: string, redaction: Stored): void {
    const target = this.#events.get(eventId);
    if (target === undefined) this.#early.set(eventId, redaction);
    else target.redactedBy ??= redaction;
  }

  #logged(event: NewEvent, stored: Stored, roomSeq: number): LoggedEvent {
    const { redacts, memberships = [], strippedState, visibility = 'shared' } = event;
    const { eventId, eventNid, pdu, transaction, redactedBy } = stored;
    const target = redacts === undefined ? undefined : this.#events.get(redacts)?.eventNid;
    return {
      ...{ roomSeq, eventId, eventNid, pduJson: JSON.stringify(pdu), stateChanges: [], visibility },
      ...{ memberships: [...memberships], hasMoreStateChanges: false },
      ...(redacts !== undefined && { redactedEventId: redacts, redactedEventNid: target }),
      ...(redactedBy !== undefined && { redactedBecause: shown(redactedBy) }),
      ...(strippedState !== undefined && { strippedStateJson: JSON.stringify(strippedState) }),
      ...(transaction !== undefined && { transaction }),
    };
  }

  #changes({ type, stateKey, loses, strippedState, stateChanges = [] }: NewEvent, { eventId }: Stored): Change[] {
    const isPart = stateKey !== undefined && !loses && strippedState === undefined;
    return [...(isPart ? [{ type, stateKey, eventId }] : []), ...stateChanges];
  }

  #change({ type, stateKey, eventId }: Change): StateChange {
    const key = JSON.stringify([type, stateKey]);
    const keyNid = this.#keys.get(key) ?? this.#keys.size + 1;
    this.#keys.set(key, keyNid);
    const stored = this.#events.get(eventId);
    if (stored === undefined) this.state.delete(key);
    else this.state.set(key, stored);
    const membership = type === 'm.room.member' ? (stored?.pdu.content.membership as string) : undefined;
    return { type, stateKey, eventId, eventNid: stored?.eventNid ?? 0, keyNid, membership };
  }

  #visibility(): string {
    const stored = this.state.get(JSON.stringify(['m.room.history_visibility', '']));
    return parseHistoryVisibility(stored?.pdu.content);
  }
}

function shown({ eventId, eventNid, pdu, transaction, redactedBy }: Stored): EventWithId {
  const rules = roomVersionRules('11')!;
  const visible = redactedBy === undefined ? pdu : redactEvent(pdu, rules);
  return {
    ...{ eventId, eventNid, pduJson: JSON.stringify(visible), transaction },
    redactedBecause: redactedBy && shown(redactedBy),
  };
}
