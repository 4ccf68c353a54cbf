import type { Database } from '@ganglion/database';

/** How far logs of other services were read, by all replicas together. */
export class CursorStore {
  constructor(private readonly db: Database) {}

  async get(name: 'devices'): Promise<number> {
    const { rows } = await this.db.query<{ cursor: number }>({
      name: 'get-cursor',
      text: 'SELECT cursor FROM key_server.cursors WHERE name = $1',
      values: [name],
    });
    return rows[0]?.cursor ?? 0;
  }

  /** Goes on, unless another replica has gone on from there: what it has not seen yet is read again then. */
  async advance(name: 'devices', from: number, to: number): Promise<void> {
    await this.db.query({
      name: 'advance-cursor',
      text: 'UPDATE key_server.cursors SET cursor = $3 WHERE name = $1 AND cursor = $2',
      values: [name, from, to],
    });
  }
}
