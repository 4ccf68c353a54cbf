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

  /** Puts a user off for longer each time, a day at most: nobody else waits for what fails for them. */
  async putOff(userId: string): Promise<void> {
    await this.db.query({
      name: 'put-user-off',
      text: `INSERT INTO key_server.users_to_look_at AS u (user_id, retry_at) VALUES ($1, now() + interval '10 seconds')
        ON CONFLICT (user_id) DO UPDATE SET failures = least(u.failures + 1, 20),
          retry_at = now() + least(10 * 2.0 ^ u.failures, 86400) * interval '1 second'`,
      values: [userId],
    });
  }

  /** Users who were put off and whose time has come. */
  async due(most: number): Promise<string[]> {
    const { rows } = await this.db.query<{ user_id: string }>({
      name: 'users-to-look-at',
      text: 'SELECT user_id FROM key_server.users_to_look_at WHERE retry_at <= now() ORDER BY retry_at LIMIT $1',
      values: [most],
    });
    return rows.map((row) => row.user_id);
  }

  /** A user was looked at after all. */
  async done(userId: string): Promise<void> {
    await this.db.query({
      name: 'user-looked-at',
      text: 'DELETE FROM key_server.users_to_look_at WHERE user_id = $1',
      values: [userId],
    });
  }
}
