import { addWork } from '../src/storage/destination-work.js';
import { queueEdus } from '../src/storage/edu-queue.js';
import { PostgresEphemeraStore } from '../src/storage/ephemera-store.js';
import { PostgresSendingStore } from '../src/storage/sending-store.js';
import { SendingTidy } from '../src/storage/sending-tidy.js';
import { Sending } from './support/sending.js';

const OURS = 'ours.example';
let sending: Sending;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());

const routeTo = (server: string) => ({ server, origin: OURS });
const setAll = (set: string, server: string) =>
  sending.db.query({ text: `UPDATE federation_api.destinations SET ${set} WHERE server_name = $1`, values: [server] });
const edusOf = async (server: string) =>
  (
    await sending.db.query<{ edu: string }>({
      text: `SELECT edu FROM federation_api.queued_edus JOIN federation_api.outgoing_edus USING (edu_nid)
        WHERE server_name = $1 ORDER BY edu_nid`,
      values: [server],
    })
  ).rows.map(({ edu }) => edu);
const post = (server: string, ...edus: string[]) =>
  sending.db.transaction((tx) =>
    queueEdus(
      tx,
      edus.map((json) => ({ json, routes: [routeTo(server)] })),
    ),
  );

it('forgets a server that was away for a month with all that waits for it, and no other', async () => {
  await post('gone.example', '{"n":1}');
  await post('away.example', '{"n":2}');
  await sending.db.query({
    text: `INSERT INTO federation_api.missed_rooms VALUES ('gone.example', $1, '!r:x', 3), ('away.example', $1, '!r:x', 3)`,
    values: [OURS],
  });
  await setAll("failures = 30, failing_since = now() - interval '31 days'", 'gone.example');
  await setAll("failures = 30, failing_since = now() - interval '29 days'", 'away.example');
  await new SendingTidy(sending.db).tidy();
  expect(await sending.destinations(['gone.example', 'away.example'])).toMatchObject([
    { name: 'away.example', rooms: 1 },
  ]);
  expect(await edusOf('gone.example')).toEqual([]);
  expect(await edusOf('away.example')).toEqual(['{"n":2}']);
});

it('forgets a server that nothing was sent to for a month', async () => {
  for (const server of ['idle.example', 'used.example'])
    await sending.db.transaction((tx) => addWork(tx, [routeTo(server)]));
  await setAll("has_work = false, retry_at = now() - interval '31 days'", 'idle.example');
  await setAll('has_work = false', 'used.example');
  await new SendingTidy(sending.db).tidy();
  expect(await sending.destinations(['idle.example', 'used.example'])).toMatchObject([{ name: 'used.example' }]);
});

it('a server that does not come back is kept the last ten thousand messages to devices', async () => {
  const texts = Array.from({ length: 10_003 }, (_, n) => `{"n":${n}}`);
  await post('full.example', ...texts);
  await setAll("failures = 9, failing_since = now(), txn_id = 'tried', txn_last_edu = 50", 'full.example');
  await new SendingTidy(sending.db).tidy();
  expect(await edusOf('full.example')).toEqual(texts.slice(3));
  const { rows } = await sending.db.query({
    text: `SELECT txn_id, txn_last_edu FROM federation_api.destinations WHERE server_name = 'full.example'`,
    values: [],
  });
  expect(rows).toEqual([{ txn_id: null, txn_last_edu: null }]);
});

it('is known to be away since it was first not reached, until it is heard of', async () => {
  const holder = '00000000-0000-4000-8000-000000000001';
  const store = new PostgresSendingStore(sending.db, holder);
  const since = async () => {
    const text = `SELECT failing_since FROM federation_api.destinations WHERE server_name = 'once.example'`;
    return (await sending.db.query<{ failing_since: Date | null }>({ text, values: [] })).rows[0]!.failing_since;
  };
  await sending.db.transaction((tx) => addWork(tx, [routeTo('once.example')]));
  const lease = () => setAll(`leased_by = '${holder}', leased_until = now() + interval '1 minute'`, 'once.example');
  await lease();
  await store.failed(routeTo('once.example'));
  const first = await since();
  expect(first).not.toBeNull();
  await lease();
  await store.failed(routeTo('once.example'));
  expect(await since()).toEqual(first);
  await store.heardOf('once.example');
  expect((await since())!.getTime()).toBeGreaterThan(first!.getTime());
});

describe('a server that was not reached, and for which nothing is left', () => {
  const holder = '00000000-0000-4000-8000-000000000003';
  const store = () => new PostgresSendingStore(sending.db, holder);
  const failed = async (server: string) => {
    await sending.db.transaction((tx) => addWork(tx, [routeTo(server)]));
    const lease = `leased_by = '${holder}', leased_until = now() + interval '1 minute'`;
    await setAll(`failures = 7, failing_since = now(), is_behind = true, ${lease}`, server);
  };

  it('is tried again with what passes next', async () => {
    await failed('quiet.example');
    expect(await store().next(routeTo('quiet.example'))).toBeUndefined();
    expect(await sending.destinations(['quiet.example'])).toMatchObject([{ hasWork: false, failures: 7 }]);
    const roomId = '!quiet:x';
    const typing = { kind: 'm.typing', userId: `@a:${OURS}`, threadId: '', content: {}, lastsMs: 60_000 } as const;
    const put = { roomId, servers: ['quiet.example'] };
    await new PostgresEphemeraStore(sending.db).put([{ ...typing, roomId }], [put]);
    expect(await sending.destinations(['quiet.example'])).toMatchObject([{ hasWork: true, failures: 7 }]);
    await sending.db.query({ text: 'DELETE FROM federation_api.ephemera WHERE room_id = $1', values: [roomId] });
    await sending.db.query({ text: 'DELETE FROM federation_api.ephemera_rooms WHERE room_id = $1', values: [roomId] });
  });

  it('is not taken for reached before it was sent something', async () => {
    const route = routeTo('purged.example');
    await failed(route.server);
    await store().caughtUp(route, [{ roomId: '!r:x', roomSeq: 1 }], false);
    expect(await store().missed(route, 10)).toEqual([]);
    expect(await sending.destinations([route.server])).toMatchObject([{ isBehind: false, failures: 7 }]);
    await store().caughtUp(route, [{ roomId: '!r:x', roomSeq: 1 }], true);
    expect(await sending.destinations([route.server])).toMatchObject([{ failures: 0 }]);
  });
});

it.each([
  [
    'goes on having its destinations',
    (store: PostgresSendingStore, servers: string[]) => store.keep(servers.map(routeTo)),
  ],
  ['looks for what was forgotten', () => new SendingTidy(sending.db).tidy()],
])('who %s and who queues for the same ones do not stand in each other’s way', async (what, work) => {
  const holder = '00000000-0000-4000-8000-000000000002';
  const [one, other] = [`a.${what.length}.example`, `b.${what.length}.example`];
  // The later one stands first in the table.
  await post(other!, '{}');
  await post(one!, '{}');
  for (const server of [one!, other!]) {
    await setAll(`has_work = false, leased_by = '${holder}', leased_until = now() + interval '1 minute'`, server);
  }
  const store = new PostgresSendingStore(sending.db, holder);
  let beside: Promise<unknown> | undefined;
  await sending.db.transaction(async (tx) => {
    await addWork(tx, [routeTo(one!)]);
    beside = work(store, [other!, one!]);
    beside.catch(() => {});
    await waiting();
    await addWork(tx, [routeTo(other!)]);
  });
  await expect(beside).resolves.toBeUndefined();
});

/** Until somebody waits for a lock that another one has. */
async function waiting(): Promise<void> {
  const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
  while ((await sending.db.query({ text, values: [] })).rowCount === 0) await new Promise(setImmediate);
}

it('what passed is forgotten after a day', async () => {
  const receipt = { kind: 'm.receipt', userId: `@a:${OURS}`, threadId: '', content: {}, lastsMs: undefined } as const;
  const store = new PostgresEphemeraStore(sending.db);
  const put = (roomId: string) => store.put([{ ...receipt, roomId }], [{ roomId, servers: ['far.example'] }]);
  await put('!old:x');
  await put('!new:x');
  await sending.db.query({
    text: `UPDATE federation_api.ephemera SET updated_at = now() - interval '25 hours' WHERE room_id = '!old:x'`,
    values: [],
  });
  await store.forgetOld();
  for (const table of ['ephemera', 'ephemera_rooms']) {
    const { rows } = await sending.db.query({ text: `SELECT room_id FROM federation_api.${table}`, values: [] });
    expect(rows).toEqual([{ room_id: '!new:x' }]);
  }
});
