import type { Database } from '@ganglion/database';
import type { DeviceListChanges, DeviceListModel, DeviceListWindow } from '../domain/ports/device-list-model.js';
import { deviceListChanges } from './device-list-statements.js';

/** Device lists in PostgreSQL. */
export class DeviceListStore implements DeviceListModel {
  constructor(private readonly db: Database) {}

  async keySeqs(userIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const { rows } = await this.db.query<{ user_id: string; seq: number }>({
      name: 'key-seqs',
      text: 'SELECT user_id, seq FROM sync.device_lists WHERE user_id = ANY($1)',
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.user_id, row.seq]));
  }

  async roomsOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly number[]>> {
    const { rows } = await this.db.query<{ user_id: string; nids: number[] }>({
      name: 'rooms-of-users',
      text: `SELECT state_key AS user_id, json_agg(room_nid) AS nids FROM sync.state_keys
        WHERE type = 'm.room.member' AND state_key = ANY($1) AND present_since IS NOT NULL GROUP BY state_key`,
      values: [userIds],
    });
    return new Map(rows.map((row) => [row.user_id, row.nids]));
  }

  async changes(window: DeviceListWindow): Promise<DeviceListChanges> {
    const { rows } = await this.db.query<{ user_id: string; has_changed: boolean }>(deviceListChanges(window));
    const of = (hasChanged: boolean) => rows.filter((row) => row.has_changed === hasChanged).map((row) => row.user_id);
    return { changed: of(true), left: of(false) };
  }
}
