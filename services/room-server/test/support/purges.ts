import type { Database } from '@ganglion/database';
import { PostgresPurgeStore } from '../../src/storage/purge-store.js';
import { ALICE, send } from './room.js';
import type { Replica } from './room-servers.js';

export function purgesOf(db: Database): PostgresPurgeStore {
  return new PostgresPurgeStore(db, ['one.test', 'two.test']);
}

/** Does all that is to be purged. */
export async function purgeAll(db: Database): Promise<void> {
  while (await purgesOf(db).step());
}

/** Asks for a purge of all that came before an event, and does it. */
export async function purgeBefore(replica: Replica, roomId: string, beforeEventId: string, deleteLocalEvents = true) {
  const { purgeId } = await replica.roomPurges.purgeHistory({ roomId, beforeEventId, deleteLocalEvents });
  await purgeAll(replica.db);
  return purgeId;
}

/** The ids of so many messages. */
export async function sayMany(replica: Replica, roomId: string, count: number): Promise<string[]> {
  const sent = await Promise.all(Array.from({ length: count }, () => send(replica, roomId, ALICE)));
  return sent.sort((one, other) => one.roomSeq - other.roomSeq).map(({ eventId }) => eventId);
}

/** What the log tells of a room, and what it says was purged of it. */
export async function told({ roomLog }: Replica, roomId: string) {
  const { events } = await roomLog.getRoomEvents({ roomId, afterSeq: 0, limit: 500, backfilled: false });
  const { purges } = await roomLog.listPurges({ roomId, afterPurgeSeq: 0, limit: 0 });
  return { ids: events!.events.map(({ eventId }) => eventId), purges };
}
