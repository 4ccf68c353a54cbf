import { type Database, rowsOf, sql, statement } from '@ganglion/database';
import { and, asc, sql as condition, eq, inArray } from 'drizzle-orm';
import type { Device, DeviceSighting, DeviceStore, EndedDevices, SessionCompletion } from '../domain/ports.js';
import { devices } from './schema.js';
import { endDevices } from './session-writes.js';
import { oncePerSession } from './uia-session-store.js';

const isDevice = (userId: string, deviceId: string) => and(eq(devices.userId, userId), eq(devices.deviceId, deviceId));

const SIGHTING = {
  user_id: 'text',
  device_id: 'text',
  seen_ms: 'float8',
  address: 'text',
  user_agent: 'text',
} as const;

/** What somebody else is changing is left alone: its device will be seen again. Other replicas may have been first. */
const recordSeen = statement(
  'record-seen',
  sql<readonly DeviceSighting[]>`
  WITH seen AS (
    ${rowsOf('s', SIGHTING, (sightings) =>
      sightings.map(({ userId, deviceId, seenMs, address, userAgent }) => ({
        ...{ user_id: userId, device_id: deviceId, seen_ms: seenMs, address, user_agent: userAgent },
      })),
    )}),
  stale AS (
    SELECT d.user_id, d.device_id, to_timestamp(seen.seen_ms / 1000) AS seen_at, seen.address, seen.user_agent
    FROM user_server.devices d JOIN seen USING (user_id, device_id)
    WHERE d.last_seen_at IS NULL OR d.last_seen_at < to_timestamp(seen.seen_ms / 1000 - 60)
    FOR NO KEY UPDATE OF d SKIP LOCKED)
  UPDATE user_server.devices d SET last_seen_at = stale.seen_at,
    last_seen_address = coalesce(stale.address, d.last_seen_address),
    last_seen_user_agent = CASE WHEN stale.address IS NULL THEN d.last_seen_user_agent ELSE stale.user_agent END
  FROM stale
  WHERE d.user_id = stale.user_id AND d.device_id = stale.device_id`,
);

/** Devices in PostgreSQL. */
export class PostgresDeviceStore implements DeviceStore {
  constructor(private readonly db: Database) {}

  async list(userId: string): Promise<Device[]> {
    const order = [asc(devices.createdAt), asc(devices.deviceId)];
    const rows = await this.db.drizzle
      .select()
      .from(devices)
      .where(eq(devices.userId, userId))
      .orderBy(...order);
    return rows.map(deviceOf);
  }

  async listOf(userIds: readonly string[]): Promise<ReadonlyMap<string, readonly Device[]>> {
    if (userIds.length === 0) return new Map();
    const order = [asc(devices.userId), asc(devices.deviceId)];
    const rows = await this.db.drizzle
      .select()
      .from(devices)
      // One parameter, however many they are.
      .where(condition`${devices.userId} = ANY(${condition.param([...userIds])}::text[])`)
      .orderBy(...order);
    const grouped = Map.groupBy(rows, ({ userId }) => userId);
    return new Map([...grouped].map(([userId, ofUser]) => [userId, ofUser.map(deviceOf)]));
  }

  async find(userId: string, deviceId: string): Promise<Device | undefined> {
    const [row] = await this.db.drizzle.select().from(devices).where(isDevice(userId, deviceId));
    return row && deviceOf(row);
  }

  async rename(userId: string, deviceId: string, displayName: string): Promise<boolean> {
    const { rowCount } = await this.db.drizzle.update(devices).set({ displayName }).where(isDevice(userId, deviceId));
    return rowCount === 1;
  }

  remove(userId: string, deviceIds?: readonly string[], completion?: SessionCompletion): Promise<EndedDevices> {
    const which = deviceIds === undefined ? { except: [] } : { only: deviceIds };
    return this.db.transaction((tx) => oncePerSession(tx, completion, () => endDevices(tx, userId, which)));
  }

  async putDehydrated(userId: string, deviceId: string, displayName?: string): Promise<number | undefined> {
    const { rows } = await this.db.query<{ created_ms: number }>({
      name: 'put-dehydrated-device',
      text: `WITH account AS (
               SELECT user_id FROM user_server.accounts WHERE user_id = $1 AND deactivated_at IS NULL FOR SHARE)
             INSERT INTO user_server.devices AS known (user_id, device_id, display_name, dehydrated)
             SELECT user_id, $2, $3, true FROM account
             ON CONFLICT (user_id, device_id) DO UPDATE SET display_name = excluded.display_name WHERE known.dehydrated
             RETURNING floor(extract(epoch FROM created_at) * 1000)::float8 AS created_ms`,
      values: [userId, deviceId, displayName ?? null],
    });
    return rows[0]?.created_ms;
  }

  async endDehydrated(userId: string, deviceIds: readonly string[]): Promise<readonly string[]> {
    const ended = await this.db.drizzle
      .delete(devices)
      .where(and(eq(devices.userId, userId), inArray(devices.deviceId, [...deviceIds]), eq(devices.dehydrated, true)))
      .returning({ deviceId: devices.deviceId });
    return ended.map(({ deviceId }) => deviceId);
  }

  async recordSeen(sightings: readonly DeviceSighting[]): Promise<void> {
    await this.db.query(recordSeen(sightings));
  }
}

function deviceOf(row: typeof devices.$inferSelect): Device {
  return {
    deviceId: row.deviceId,
    displayName: row.displayName ?? undefined,
    lastSeenMs: row.lastSeenAt?.getTime(),
    lastSeenAddress: row.lastSeenAddress ?? undefined,
    lastSeenUserAgent: row.lastSeenUserAgent ?? undefined,
    createdMs: row.createdAt.getTime(),
    dehydrated: row.dehydrated,
  };
}
