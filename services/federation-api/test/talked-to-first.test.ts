import { addWork } from '../src/storage/destination-work.js';
import { PostgresSendingStore } from '../src/storage/sending-store.js';
import { Sending } from './support/sending.js';

const origin = 'ours.example';
const store = (n: number) => new PostgresSendingStore(sending.db, `00000000-0000-4000-8000-00000000000${n}`);
const quiet = Array.from({ length: 8 }, (_, n) => `quiet${n}.example`);

let sending: Sending;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());
beforeEach(() => sending.db.query({ text: 'DELETE FROM federation_api.destinations', values: [] }));

const queue = (servers: readonly string[]) =>
  sending.db.transaction((tx) =>
    addWork(
      tx,
      servers.map((server) => ({ server, origin })),
    ),
  );

/** Something was sent to these, and nothing is left. */
async function talkTo(servers: readonly string[]): Promise<void> {
  await queue(servers);
  for (const route of await store(1).lease(100, false)) await store(1).next(route);
}

const leased = async (most: number, forQuiet: number) =>
  (await store(2).lease(most, false, forQuiet)).map(({ server }) => server).sort();

it('those that were talked to a moment ago come before a crowd of others, of which some new', async () => {
  await talkTo(['warm.example']);
  await queue([...quiet, 'warm.example']);
  expect(await leased(2, 1)).toContain('warm.example');
  expect(await leased(100, 1)).toHaveLength(quiet.length - 1);
});

it('a few of the others come in any case, and all where there is place', async () => {
  const warm = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}.example`);
  await talkTo(warm);
  await queue([...quiet, ...warm]);
  const first = await leased(4, 1);
  expect(first.filter((server) => warm.includes(server))).toHaveLength(3);
  expect(first.filter((server) => quiet.includes(server))).toHaveLength(1);
  expect(await leased(100, 12)).toHaveLength(quiet.length + warm.length - 4);
});

it('those that were not reached come in the order in which they are due', async () => {
  await queue(quiet);
  const set = (server: string, ago: string) =>
    sending.db.query({
      text: `UPDATE federation_api.destinations SET failures = 1, retry_at = now() - $2::interval WHERE server_name = $1`,
      values: [server, ago],
    });
  await set('quiet1.example', '1 second');
  await set('quiet2.example', '10 minutes');
  expect(await store(2).lease(1, true)).toMatchObject([{ server: 'quiet2.example' }]);
});
