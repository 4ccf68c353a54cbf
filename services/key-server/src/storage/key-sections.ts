import { type Database, sql, statement } from '@ganglion/database';
import type { AskedUser, Section, SectionTexts, Usage, UserSignature } from '../domain/ports.js';
import type { CrossSigningRow, DeviceRow } from './key-rows.js';

interface Wanted {
  readonly userIds: readonly string[];
}

interface Query {
  readonly asked: readonly AskedUser[];
  readonly asking: string;
}

const wanted = ({ userIds }: Wanted) => userIds;

export const devicesOf = statement(
  'device-keys-of',
  sql<Wanted>`
  SELECT user_id, device_id, json, signatures, display_name, created_at_ms FROM key_server.devices
  WHERE user_id = ANY(${wanted}::text[]) ORDER BY user_id, device_id`,
);

export const crossSigningOf = statement(
  'cross-signing-keys-of',
  sql<Wanted>`
  SELECT user_id, usage, public_key, json, signatures FROM key_server.cross_signing_keys
  WHERE user_id = ANY(${wanted}::text[])`,
);

export const userSignaturesOf = statement(
  'user-signatures-of',
  sql<Wanted & { asking: string }>`
  SELECT signed_user_id AS "signedUserId", signed_key AS "signedKey", key_id AS "keyId", signature
  FROM key_server.user_signatures
  WHERE user_id = ${({ asking }) => asking} AND signed_user_id = ANY(${wanted}::text[])`,
);

const SECTION_OF: Readonly<Record<Usage, Section>> = {
  ...{ master: 'master_keys', self_signing: 'self_signing_keys', user_signing: 'user_signing_keys' },
};

/**
 * What these users have published, as somebody may see it. A large room has thousands of devices, so their objects are put together as
 * texts, as they are kept, and never read.
 */
export async function readSections(db: Database, { asked, asking }: Query): Promise<SectionTexts> {
  const sections: Record<Section, string[]> = {
    ...{ device_keys: [], master_keys: [], self_signing_keys: [], user_signing_keys: [] },
  };
  if (asked.length > 0) {
    const userIds = asked.map(({ userId }) => userId);
    const [devices, keys, { rows: signatures }] = await Promise.all([
      db.query<DeviceRow>(devicesOf({ userIds })),
      db.query<CrossSigningRow>(crossSigningOf({ userIds })),
      db.query<UserSignature & Record<string, unknown>>(userSignaturesOf({ userIds, asking })),
    ]);
    sections.device_keys.push(...deviceTexts(asked, devices.rows));
    // Of each user there is one at most.
    const made = new Map(signatures.map((signature) => [signature.signedUserId, signature]));
    for (const row of keys.rows) {
      if (row.usage === 'user_signing' && row.user_id !== asking) continue;
      sections[SECTION_OF[row.usage]].push(crossSigningText(row, asking, made.get(row.user_id)));
    }
  }
  return {
    device_keys: sections.device_keys.join(),
    master_keys: sections.master_keys.join(),
    self_signing_keys: sections.self_signing_keys.join(),
    user_signing_keys: sections.user_signing_keys.join(),
  };
}

function deviceTexts(asked: readonly AskedUser[], rows: readonly DeviceRow[]): string[] {
  const byUser = Map.groupBy(rows, (row) => row.user_id);
  return asked.map(({ userId, deviceIds }) => {
    const devices = byUser.get(userId) ?? [];
    const chosen = deviceIds.length === 0 ? devices : devices.filter((row) => deviceIds.includes(row.device_id));
    const user = JSON.stringify(userId);
    return `${user}:{${chosen.map((row) => deviceText(user, row)).join()}}`;
  });
}

/** A device's keys as everybody sees them. @param user the id as JSON */
function deviceText(user: string, { device_id, json, signatures, display_name }: DeviceRow): string {
  const unsigned = display_name === null ? '' : `"device_display_name":${JSON.stringify(display_name)}`;
  return `${JSON.stringify(device_id)}:${json.slice(0, -1)},"signatures":{${user}:${signatures}},"unsigned":{${unsigned}}}`;
}

function crossSigningText(
  { user_id, usage, public_key, json, signatures }: CrossSigningRow,
  asking: string,
  made: UserSignature | undefined,
): string {
  const user = JSON.stringify(user_id);
  const texts = signatures === '{}' ? [] : [`${user}:${signatures}`];
  if (usage === 'master' && made?.signedKey === public_key) {
    texts.push(`${JSON.stringify(asking)}:${JSON.stringify({ [made.keyId]: made.signature })}`);
  }
  // Who gives none gets back none.
  return `${user}:${texts.length === 0 ? json : `${json.slice(0, -1)},"signatures":{${texts.join()}}}`}`;
}
