import type { Database } from '@ganglion/database';
import type { NoticeRoomStore } from '../domain/ports.js';

/** In PostgreSQL: whoever is first to remember a room decides, of all replicas. */
export class PostgresNoticeRoomStore implements NoticeRoomStore {
  constructor(private readonly db: Database) {}

  async find(userId: string): Promise<string | undefined> {
    const { rows } = await this.db.query<{ room_id: string }>({
      name: 'find-notice-room',
      text: 'SELECT room_id FROM user_server.notice_rooms WHERE user_id = $1',
      values: [userId],
    });
    return rows[0]?.room_id;
  }

  async keep(userId: string, roomId: string): Promise<string> {
    await this.db.query({
      name: 'keep-notice-room',
      text: 'INSERT INTO user_server.notice_rooms (user_id, room_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      values: [userId, roomId],
    });
    return (await this.find(userId)) ?? roomId;
  }
}
