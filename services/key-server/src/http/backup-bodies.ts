import { jsonObject, text } from '@ganglion/http/values';
import { z } from 'zod';
import type { BackupKey, SessionKey } from '../domain/ports.js';
import { mapOf } from './values.js';

const index = z.number().int().min(0);

const keyData = z.object({
  first_message_index: index,
  forwarded_count: index,
  is_verified: z.boolean(),
  session_data: jsonObject,
});
type KeyData = z.output<typeof keyData>;

/** Whose they are is their client's business: nothing else is asked of a room's id, which may be of a grammar that is not known here. */
const id = text.refine((name) => name !== '' && name.length <= 255, 'must have 1 to 255 characters');
const sessions = z.object({ sessions: mapOf(id, keyData) });
type Sessions = z.output<typeof sessions>;

export const sessionPath = z.object({ roomId: id, sessionId: id });
export const roomPath = z.object({ roomId: id });
export const versionPath = z.object({ version: z.string() });
export const versionQuery = z.object({ version: z.string() });

export type SessionPath = z.output<typeof sessionPath>;
export type RoomPath = z.output<typeof roomPath>;
export type VersionPath = z.output<typeof versionPath>;

export const backupBody = z
  .object({ algorithm: text, auth_data: jsonObject, version: z.string().optional() })
  .transform(({ algorithm, auth_data, version }) => ({ algorithm, authData: auth_data, version }));

export const keyBody = keyData.transform(backupKey);
export const roomKeysBody = sessions.transform(({ sessions }) => sessionKeys(sessions));
export const allKeysBody = z
  .object({ rooms: mapOf(id, sessions) })
  .transform(({ rooms }) =>
    Object.entries(rooms).flatMap(([roomId, { sessions }]) =>
      sessionKeys(sessions).map((key): SessionKey => ({ roomId, ...key })),
    ),
  );

function sessionKeys(sessions: Sessions['sessions']): Omit<SessionKey, 'roomId'>[] {
  return Object.entries(sessions).map(([sessionId, data]) => ({ sessionId, ...backupKey(data) }));
}

function backupKey(data: KeyData): BackupKey {
  return {
    firstMessageIndex: data.first_message_index,
    forwardedCount: data.forwarded_count,
    isVerified: data.is_verified,
    sessionData: JSON.stringify(data.session_data),
  };
}

/** A key as it is answered, as JSON text. */
export function keyText({ firstMessageIndex, forwardedCount, isVerified, sessionData }: BackupKey): string {
  return `{"first_message_index":${firstMessageIndex},"forwarded_count":${forwardedCount},"is_verified":${isVerified},"session_data":${sessionData}}`;
}

type Pages = AsyncIterable<readonly SessionKey[]>;

const sessionText = (key: SessionKey) => `${JSON.stringify(key.sessionId)}:${keyText(key)}`;

/** The keys of a room, as JSON text in parts. */
export async function* sessionsText(pages: Pages): AsyncGenerator<string> {
  let before = '{"sessions":{';
  for await (const keys of pages) {
    if (keys.length === 0) continue;
    yield before + keys.map(sessionText).join();
    before = ',';
  }
  yield before === ',' ? '}}' : `${before}}}`;
}

/** The keys of all rooms, those of a room one after the other, as JSON text in parts. */
export async function* roomsText(pages: Pages): AsyncGenerator<string> {
  let room: string | undefined;
  yield '{"rooms":{';
  for await (const keys of pages) {
    let text = '';
    for (const key of keys) {
      if (key.roomId === room) text += ',';
      else text += `${room === undefined ? '' : '}},'}${JSON.stringify(key.roomId)}:{"sessions":{`;
      text += sessionText(key);
      room = key.roomId;
    }
    yield text;
  }
  yield room === undefined ? '}}' : '}}}}';
}
