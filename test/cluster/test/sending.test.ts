import { setTimeout as sleep } from 'node:timers/promises';
import { ready } from '@ganglion/protocol';
import {
  Authority,
  eventually,
  FarServer,
  MatrixUser,
  partsOf,
  persistently,
  startTestCluster,
  type TestCluster,
} from '@ganglion/testing';
import { ForeignServer } from './support/foreign-server.js';

const COUNT = 40;
const PATIENCE_MS = 120_000;

let authority: Authority;
let far: FarServer;
let cluster: TestCluster;
let alice: MatrixUser;
let roomId: string;
let inRoom: ForeignServer;

beforeAll(async () => {
  await ready();
  authority = await Authority.create('the internet');
  far = await FarServer.start(authority, 'one.example');
  const { ca } = await authority.issue('one.example');
  const federation = { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: ca };
  cluster = await startTestCluster({ settings: { server_names: [{ name: 'one.example' }], federation } });
  alice = await MatrixUser.register(cluster.url, 'alice');
  roomId = await alice.createRoom({ preset: 'public_chat' });
  inRoom = await ForeignServer.in(roomId, cluster.replicasOf('room-server'), far.name);
  const bert = inRoom.user('bert');
  const content = { membership: 'join' };
  await inRoom.send(inRoom.write({ type: 'm.room.member', sender: bert, state_key: bert, content }).json);
}, 180_000);
afterAll(async () => {
  await inRoom?.close();
  await cluster?.close();
  await far?.close();
  authority?.end();
}, 60_000);

interface Transaction {
  readonly txnId: string;
  readonly pdus: readonly { readonly type: string; readonly content: { readonly body?: string } }[];
  readonly edus: readonly { readonly edu_type: string; readonly content: { readonly messages: Messages } }[];
}

type Messages = Readonly<Record<string, { readonly PHONE: { readonly n: number } }>>;

/** Transactions, of each id the first: it is the other server's to answer the same one once. */
function taken(): Transaction[] {
  const given = far.asked
    .filter(({ method, path }) => method === 'PUT' && path.includes('/send/'))
    .map((asked) => ({ txnId: partsOf(asked)[1]!, ...(JSON.parse(asked.body) as Omit<Transaction, 'txnId'>) }));
  const byId = Map.groupBy(given, ({ txnId }) => txnId);
  return [...byId.values()].map((same) => {
    for (const each of same) expect([each.pdus, each.edus]).toEqual([same[0]!.pdus, same[0]!.edus]);
    return same[0]!;
  });
}

const said = () => taken().flatMap(({ pdus }) => pdus.flatMap(({ content }) => content.body ?? []));
const numbers = () =>
  taken().flatMap(({ edus }) =>
    edus
      .filter(({ edu_type }) => edu_type === 'm.direct_to_device')
      .map(({ content }) => content.messages[inRoom.user('bert')]!.PHONE.n),
  );

async function talk(): Promise<void> {
  for (let n = 0; n < COUNT; n++) {
    const messages = { [inRoom.user('bert')]: { PHONE: { n } } };
    await persistently(() => alice.call('PUT', `sendToDevice/m.test/${n}`, { body: { messages } }));
    await persistently(() => alice.sendText(roomId, `event ${n}`, `txn-${n}`));
    await sleep(100);
  }
}

it('senders may be killed in the middle: another server gets all of it, once, in order', async () => {
  far.answering = async ({ path }) => {
    if (!path.includes('/send/')) return undefined;
    await sleep(200);
    return { pdus: {} };
  };
  await cluster.explaining(async () => {
    const talking = talk();
    for (const index of [0, 1]) {
      const replica = cluster.replicasOf('federation-api')[index]!;
      const before = far.asked.length;
      await eventually(() => expect(far.asked.length).toBeGreaterThan(before), PATIENCE_MS);
      await replica.kill();
      await sleep(500);
      await replica.start();
    }
    await talking;
    const all = Array.from({ length: COUNT }, (_, n) => n);
    await eventually(() => expect(numbers()).toEqual(all), PATIENCE_MS);
    await eventually(() => expect(said()).toEqual(all.map((n) => `event ${n}`)), PATIENCE_MS);
  });
}, 300_000);
