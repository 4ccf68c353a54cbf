import { Database } from '@ganglion/database';

/** One event as the owner of rooms has committed it. */
export interface Committed {
  readonly seq: number;
  readonly eventId: string;
  readonly type: string;
  readonly sender: string;
  /** How many events it follows on. */
  readonly parents: number;
  readonly pdu: string;
}

/** A look into the database of a deployment. */
export class RoomLog {
  private constructor(readonly db: Database) {}

  static async open(url: string): Promise<RoomLog> {
    return new RoomLog(await Database.connect({ url, max: 2, applicationName: 'test', slowStatementMs: 60_000 }));
  }

  /** The events of a room in its one order. */
  async of(roomId: string): Promise<Committed[]> {
    const { rows } = await this.db.query<Committed & Record<string, unknown>>({
      text: `SELECT e.room_seq AS seq, e.event_id AS "eventId", e.type, e.sender, e.pdu, cardinality(e.prev_nids) AS parents
        FROM room_server.events e JOIN room_server.rooms r USING (room_nid) WHERE r.room_id = $1 ORDER BY e.room_seq`,
      values: [roomId],
    });
    return rows;
  }

  /** How many committed runs of events were not handed to the bus yet. */
  async unpublished(): Promise<number> {
    return this.#number('SELECT count(*)::integer AS value FROM room_server.outbox');
  }

  /** How often the appender of the read model has changed. */
  async appenderEpoch(): Promise<number> {
    return this.#number('SELECT epoch AS value FROM sync.appender');
  }

  close(): Promise<void> {
    return this.db.close();
  }

  async #number(text: string): Promise<number> {
    const { rows } = await this.db.query<{ value: number }>({ text });
    return Number(rows[0]?.value);
  }
}
