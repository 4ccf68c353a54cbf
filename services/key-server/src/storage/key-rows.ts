import type { CrossSigningKey, DeviceKeys, Usage, UserKeys } from '../domain/ports.js';

export interface DeviceRow extends Record<string, unknown> {
  user_id: string;
  device_id: string;
  json: string;
  signatures: string;
  display_name: string | null;
  created_at_ms: number;
}

export interface CrossSigningRow extends Record<string, unknown> {
  user_id: string;
  usage: Usage;
  public_key: string;
  json: string;
  signatures: string;
}

/** What each user has published, of their rows. */
export function usersOf(devices: readonly DeviceRow[], keys: readonly CrossSigningRow[]): Map<string, UserKeys> {
  const ofDevices = Map.groupBy(devices, ({ user_id }) => user_id);
  const ofKeys = Map.groupBy(keys, ({ user_id }) => user_id);
  const userIds = new Set([...ofDevices.keys(), ...ofKeys.keys()]);
  return new Map([...userIds].map((userId) => [userId, userKeys(ofDevices.get(userId), ofKeys.get(userId))]));
}

function userKeys(devices: readonly DeviceRow[] = [], keys: readonly CrossSigningRow[] = []): UserKeys {
  return {
    devices: new Map(devices.map((row) => [row.device_id, deviceKeys(row)])),
    crossSigning: new Map(keys.map((row) => [row.usage, crossSigningKey(row)])),
  };
}

function deviceKeys(row: DeviceRow): DeviceKeys {
  return {
    deviceId: row.device_id,
    json: row.json,
    signatures: JSON.parse(row.signatures),
    displayName: row.display_name ?? undefined,
    createdAtMs: row.created_at_ms,
  };
}

function crossSigningKey(row: CrossSigningRow): CrossSigningKey {
  const { usage, public_key: publicKey, json, signatures } = row;
  return { usage, publicKey, json, signatures: JSON.parse(signatures) };
}
