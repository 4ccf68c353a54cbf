/**
 * What it takes to find messages among a million, within one replica, without HTTP, on tables that are filled directly. Run it with
 * `node --conditions=source --import ../../libs/testing/src/typescript-hooks.ts bench/search.ts`; a number after it is how many
 * messages there are, in thousands.
 */
import { createEmbeddedBus } from '@ganglion/bus';
import { parseConfig } from '@ganglion/config';
import { Database, migrate } from '@ganglion/database';
import { compileRoomEventFilter } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { testDatabase } from '@ganglion/testing';
import type { SearchQuery } from '../src/domain/search/search.js';
import { syncSchema } from '../src/storage/migrations.js';
import { createSyncServer } from '../src/sync-server.js';
import { FilledLog, fillRooms } from './filled-rooms.js';

const ROOMS = 40;
const WORDS = 20_000;
const ROUNDS = 20;
const USER = '@reader:one.test';

const thousands = Number(process.argv[2] ?? 1_000);
const config = parseConfig(JSON.stringify({ bus: { kind: 'embedded' }, server_names: [{ name: 'one.test' }] }), '/');
const database = await testDatabase();
const db = await Database.connect({ url: database.url, max: 10, applicationName: 'bench', slowStatementMs: 60_000 });
await migrate(db, syncSchema);

const log = new FilledLog();
const rooms = {
  ...{ firstNid: 1_000, count: ROOMS, members: 10, messages: Math.round((thousands * 1_000) / ROOMS), users: [USER] },
};
log.add(rooms);
const position = await fillRooms(db, 0, rooms);
// The n-th word of the vocabulary is said about 1/n as often as the first. Rooms are talked in at the same time.
await db.query({
  text: `INSERT INTO sync.words (room_nid, position, event_nid, key, words)
    SELECT t.room_nid, t.position, t.event_nid, 0, to_tsvector('simple', said.words) || array_to_tsvector(ARRAY[
      chr(1) || 'r' || t.room_nid, chr(1) || 's' || '@member:two.test', chr(1) || 't' || (t.position >> 13),
      chr(1) || 'u' || (t.position >> 16), chr(1) || 'v' || (t.position >> 19)])
    FROM sync.timeline t, LATERAL (
      SELECT string_agg('w' || floor(power($1::float8, random() + 0 * g))::int, ' ') AS words
      FROM generate_series(1, 8 + 0 * t.depth::int) AS g) AS said
    WHERE t.depth > $2`,
  values: [WORDS, 14],
});
await db.query({ text: 'UPDATE sync.words_progress SET up_to = $1, down_to = 0', values: [position] });
await db.query({ text: 'VACUUM ANALYZE sync.words' });

const users = new Proxy({}, { get: () => async () => ({ changes: undefined, heads: [], cursor: 0, more: false }) });
const server = createSyncServer({
  ...{ config, db, bus: createEmbeddedBus(), logger: createLogger({ level: 'error' }), metrics: new Metrics() },
  ...{ roomLog: log, userLog: users, users, accountData: users, keyLog: users, devices: users },
} as unknown as Parameters<typeof createSyncServer>[0]);
await server.start();

const asked = (term: string, others: Partial<SearchQuery>): SearchQuery => ({
  ...{ userId: USER, deviceId: 'DEVICE', term, keys: ['content.body'], senders: undefined, orderBy: 'rank' },
  ...{ filter: compileRoomEventFilter({}), limit: 10, nextBatch: undefined, includeState: false, groupBy: [] },
  ...{ context: { beforeLimit: 3, afterLimit: 3, includeProfile: false }, ...others },
});

const WORD = {
  'a word of every second message': () => 'w1',
  'a common word': () => `w${5 + Math.floor(Math.random() * 20)}`,
  'a usual word': () => `w${100 + Math.floor(Math.random() * 900)}`,
  'a rare word': () => `w${15_000 + Math.floor(Math.random() * 5_000)}`,
  'a word of nobody': () => `nothing${Math.floor(Math.random() * 1_000)}`,
  'two common words': () => `w${1 + Math.floor(Math.random() * 20)} w${1 + Math.floor(Math.random() * 20)}`,
  'any word, as often as it is said': () => `w${Math.floor(WORDS ** Math.random())}`,
};

const quantile = (figures: readonly number[], part: number) =>
  figures.toSorted((one, other) => one - other)[Math.floor(figures.length * part)] ?? 0;
console.log(`${thousands},000 messages in ${ROOMS} rooms, ten results with what was said around them`);
for (const [what, term] of Object.entries(WORD)) {
  for (const orderBy of ['rank', 'recent'] as const) {
    const figures: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const begin = performance.now();
      await server.search.search(asked(term(), { orderBy }));
      figures.push(performance.now() - begin);
    }
    const [p50, p95] = [0.5, 0.95].map((part) => quantile(figures, part).toFixed(1));
    console.log(`${what}, by ${orderBy}: p50 ${p50} ms, p95 ${p95} ms`);
  }
}
await server.stop();
await db.close();
await database.drop();
process.exit();
