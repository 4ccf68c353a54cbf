import type { Database, SchemaDefinition } from '@ganglion/database';
import { redactedEventId, stateTuple } from '@ganglion/protocol';
import type { WrittenEvent } from '@ganglion/protocol/testing';
import { roomServerSchema } from '../../src/storage/migrations.js';
import { Numbers } from '../../src/storage/numbers.js';
import type { LinearRoom } from './linear-room.js';
import { rulesOf } from './room.js';

/** The schema as it was before rooms were graphs. */
export const VERSION_TWO: SchemaDefinition = {
  ...{ schema: roomServerSchema.schema, version: 2, oldestCompatible: 1 },
  migrations: roomServerSchema.migrations.slice(0, 2),
};

export interface OldTransaction {
  readonly userId: string;
  readonly deviceId: string;
  readonly scope: string;
  readonly txnId: string;
  readonly daysAgo: number;
}

export interface OldRoom extends LinearRoom {
  /** By the ids of the events that they sent. */
  readonly transactions: ReadonlyMap<string, OldTransaction>;
  readonly alias?: string;
  readonly published?: boolean;
  /** How many of the last events were not handed to the bus. */
  readonly unpublished?: number;
}

type Row = Record<string, unknown>;

/** Writes rooms as a program of version 2 of the schema left them. */
export class VersionTwoWriter {
  readonly #numbers: Numbers;

  constructor(private readonly db: Database) {
    this.#numbers = new Numbers(db);
  }

  async write(room: OldRoom): Promise<void> {
    const roomNid = await this.#numbers.allocate();
    const line = new Line(roomNid, () => this.#numbers.allocate(), room);
    for (const event of room.events) await line.add(event);
    const { length } = room.events;
    const { alias, published = false, unpublished = 0 } = room;
    await this.#insert('rooms', [
      {
        ...{ room_nid: roomNid, room_id: room.writer.roomId, room_version: room.version, version: length, published },
        ...{ state_nid: line.stateNid, extremities: [line.events.at(-1)!.event_nid], updated_xid: '3' },
      },
    ]);
    await this.#insert('events', line.events);
    await this.#insert('states', line.states);
    await this.#insert('current_state', [...line.current.values()]);
    await this.#insert('transactions', line.transactions);
    const createdAt = new Date(Date.now() - 60_000).toISOString();
    if (alias !== undefined) {
      const creator = room.events[0]!.pdu.sender;
      await this.#insert('aliases', [{ alias, room_nid: roomNid, creator, created_at: createdAt }]);
    }
    if (unpublished > 0) {
      const run = { room_nid: roomNid, first_seq: length - unpublished + 1, last_seq: length, created_at: createdAt };
      await this.#insert('outbox', [run]);
    }
  }

  async #insert(table: string, rows: readonly Row[]): Promise<void> {
    await this.db.query({
      text: `INSERT INTO room_server.${table} SELECT * FROM json_populate_recordset(NULL::room_server.${table}, $1)`,
      values: [JSON.stringify(rows)],
    });
  }
}

const DAY_MS = 86_400_000;

/** A room as it grew, event by event. */
class Line {
  readonly events: Row[] = [];
  readonly states: Row[] = [];
  readonly transactions: Row[] = [];
  readonly current = new Map<string, Row>();
  stateNid = 0;
  #chainLength = 0;
  readonly #byId = new Map<string, Row>();

  constructor(
    private readonly roomNid: number,
    private readonly allocate: () => Promise<number>,
    private readonly room: OldRoom,
  ) {}

  async add(written: WrittenEvent): Promise<void> {
    const { eventId, pdu } = written;
    const nid = await this.allocate();
    const stateBefore = this.stateNid;
    if (pdu.state_key !== undefined) this.#applyState(nid, await this.allocate(), written);
    const row: Row = {
      ...{
        event_nid: nid,
        room_nid: this.roomNid,
        room_seq: this.events.length + 1,
        event_id: eventId,
        type: pdu.type,
      },
      ...{ state_key: pdu.state_key, sender: pdu.sender, depth: pdu.depth, origin_server_ts: pdu.origin_server_ts },
      ...{ status: 0, prev_nids: this.events.slice(-1).map(({ event_nid }) => event_nid) },
      ...{ auth_nids: this.#authNids(written), state_before_nid: stateBefore, state_after_nid: this.stateNid },
      ...{ redacts_event_id: this.#redact(nid, written), redacted_by_nid: null, pdu: JSON.stringify(pdu) },
    };
    this.events.push(row);
    this.#byId.set(eventId, row);
    this.#remember(nid, eventId);
  }

  #authNids({ pdu }: WrittenEvent): unknown[] {
    return pdu.auth_events.map((ref) => this.#byId.get(typeof ref === 'string' ? ref : ref[0])!.event_nid);
  }

  /** A chain of deltas up to a full snapshot, every now and then. */
  #applyState(nid: number, stateNid: number, { pdu }: WrittenEvent): void {
    const { type, state_key: stateKey = '', content } = pdu;
    const membership = type === 'm.room.member' ? content.membership : null;
    const row = { room_nid: this.roomNid, type, state_key: stateKey, event_nid: nid, membership };
    this.current.set(stateTuple(type, stateKey), row);
    const longest = Math.max(32, Math.ceil(4 * Math.sqrt(this.current.size)));
    const isFull = this.events.length === 0 || this.#chainLength >= longest;
    const baseNid = isFull ? null : this.stateNid;
    this.#chainLength = isFull ? 0 : this.#chainLength + 1;
    this.stateNid = stateNid;
    this.states.push({
      ...{ state_nid: stateNid, room_nid: this.roomNid, base_nid: baseNid, chain_length: this.#chainLength },
      added_nids: isFull ? [...this.current.values()].map(({ event_nid }) => event_nid) : [nid],
    });
  }

  /** The first redaction of an event is the one that counts. */
  #redact(nid: number, { pdu }: WrittenEvent): string | undefined {
    const target = redactedEventId(pdu, rulesOf(this.room.version));
    const row = this.#byId.get(target ?? '');
    if (row !== undefined) row.redacted_by_nid ??= nid;
    return target;
  }

  #remember(nid: number, eventId: string): void {
    const transaction = this.room.transactions.get(eventId);
    if (transaction === undefined) return;
    const { userId, deviceId, scope, txnId, daysAgo } = transaction;
    this.transactions.push({
      ...{ room_nid: this.roomNid, user_id: userId, device_id: deviceId, scope, txn_id: txnId, event_nid: nid },
      created_at: new Date(Date.now() - daysAgo * DAY_MS).toISOString(),
    });
  }
}
