/**
 * What federation costs: joining a large room of another server, what others send, and sending to very many servers of which half are
 * dead. Build the server, then run one of these in this service's folder:
 * `node --conditions=source --import ../../libs/testing/src/typescript-hooks.ts bench/federation.ts join [members]`
 * `… bench/federation.ts inbound [events]` · `… bench/federation.ts destinations [servers]`
 */

import { domainOf, ready } from '@ganglion/protocol';
import { type Asked, FarServer } from '@ganglion/testing';
import { Person } from '../test/support/person.js';
import { FarWriter, type Written } from './far-writer.js';
import { Served } from './served.js';

const [what = 'join', given] = process.argv.slice(2);

function tell(name: string, figure: string): void {
  process.stdout.write(`${name.padEnd(60)} ${figure}\n`);
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1_000;
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 300_000; !(await isSo()); ) {
    if (Date.now() > end) throw new Error('it takes too long');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Lets our users into its rooms, without most members if that is what they ask for, and tells of the members afterwards. */
function letIn(far: FarServer, rooms: readonly FarWriter[]): void {
  const roomOf = (path: string) => rooms.find(({ roomId }) => path.includes(encodeURIComponent(roomId)));
  far.answering = ({ path, body }: Asked) => {
    const room = roomOf(path);
    if (path.includes('/make_join/')) {
      const userId = decodeURIComponent(path.split('?', 1)[0]!.split('/').at(-1)!);
      return room && { room_version: room.version, event: room.template(userId) };
    }
    if (path.includes('/send_join/')) return room && sendJoin(far, room, path, body);
    if (path.includes('/state_ids/')) return room && { pdu_ids: idsOf(room.state), auth_chain_ids: idsOf(room.chain) };
    if (path.includes('/state/')) return room && { pdus: pdusOf(room.state), auth_chain: pdusOf(room.chain) };
    return path.includes('/send/') ? { pdus: {} } : undefined;
  };
}

const idsOf = (events: readonly Written[]) => events.map(({ eventId }) => eventId);
const pdusOf = (events: readonly Written[]) => events.map(({ pdu }) => pdu);

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid */
function sendJoin(far: FarServer, room: FarWriter, path: string, body: string): object {
  const [before = '', query] = path.split('?', 2);
  // What is said from now on follows the join.
  room.last = { eventId: decodeURIComponent(before.split('/').at(-1)!), pdu: JSON.parse(body) };
  const omitted = new URLSearchParams(query).get('omit_members') === 'true';
  const state = omitted ? room.state.filter(({ pdu }) => pdu.type !== 'm.room.member') : room.state;
  const given = { origin: far.name, state: pdusOf(state), auth_chain: pdusOf(room.chain) };
  if (!omitted) return { ...given, members_omitted: false };
  const users = room.state.flatMap(({ pdu }) => (pdu.type === 'm.room.member' ? [String(pdu.state_key)] : []));
  return { ...given, members_omitted: true, servers_in_room: [...new Set(users.map(domainOf))] };
}

const joinPath = (roomId: string, far: FarServer) => `join/${encodeURIComponent(roomId)}?via=${far.name}`;

async function join(served: Served, far: FarServer, members: number): Promise<void> {
  const alice = await Person.register(served.url, 'alice');
  const small = new FarWriter(far);
  const room = new FarWriter(far);
  for (let index = 0; index < members; index++) room.join(far.user(`user${index}`));
  letIn(far, [small, room]);
  // Once what is needed for a first time is there.
  await alice.must('POST', joinPath(small.roomId, far));
  const before = await served.memory();
  let most = before;
  const looking = setInterval(async () => {
    most = Math.max(most, await served.memory());
  }, 50);
  const cpu = await served.cpuSeconds();
  const answered = await timed(() => alice.must('POST', joinPath(room.roomId, far)));
  const inRoom = async () => {
    const { body } = await alice.get(`rooms/${encodeURIComponent(room.roomId)}/joined_members`);
    return Object.keys(body.joined ?? {}).length === members + 2;
  };
  const whole = answered + (await timed(() => until(inRoom)));
  clearInterval(looking);
  tell(`join of a room of ${members} members is answered · whole`, `${answered.toFixed(2)} · ${whole.toFixed(2)} s`);
  tell(
    'processor time · memory growth at most',
    `${((await served.cpuSeconds()) - cpu).toFixed(2)} s · ${most - before} MB`,
  );
}

const ROOMS = 20;
const AT_ONCE = 50;
/** A server has one transaction on its way to each name: so many servers send at once. */
const SENDERS = 8;

async function inbound(served: Served, fars: readonly FarServer[], count: number): Promise<void> {
  const alice = await Person.register(served.url, 'alice');
  const rooms = fars.map((far, index) => {
    const count = Math.ceil((ROOMS - index) / fars.length);
    return Array.from({ length: count }, () => new FarWriter(far));
  });
  for (const [index, far] of fars.entries()) {
    letIn(far, rooms[index]!);
    for (const room of rooms[index]!) await alice.must('POST', joinPath(room.roomId, far));
  }
  const perSender = Math.ceil(count / fars.length / AT_ONCE);
  // Signed before anything is measured.
  const transactions = fars.map((far, index) =>
    Array.from({ length: perSender }, (_, n) => {
      const own = rooms[index]!;
      const pdus = Array.from({ length: AT_ONCE }, (_, m) => own[m % own.length]!.say(`message ${n} ${m}`).pdu);
      const path = `/_matrix/federation/v1/send/ahead${n}`;
      const content = { origin: far.name, origin_server_ts: Date.now(), pdus };
      return { path, authorization: far.authorization('PUT', path, content), body: JSON.stringify(content) };
    }),
  );
  const cpu = await served.cpuSeconds();
  const database = await served.databaseCpuSeconds();
  const start = process.cpuUsage();
  const took = await timed(() =>
    Promise.all(
      transactions.map(async (requests) => {
        for (const { path, authorization, body } of requests) {
          const headers = { 'content-type': 'application/json', authorization };
          const answer = await fetch(served.url + path, { method: 'PUT', headers, body });
          const text = await answer.text();
          if (!answer.ok || text.includes('error')) throw new Error(text);
        }
      }),
    ),
  );
  const { user, system } = process.cpuUsage(start);
  const all = perSender * AT_ONCE * fars.length;
  const each = (seconds: number) => `${((1_000 * seconds) / all).toFixed(2)} ms`;
  tell(`${all} PDUs of ${fars.length} servers in ${rooms.flat().length} rooms`, `${(all / took).toFixed(0)} a second`);
  tell(
    'processor time of each, in the homeserver · PostgreSQL · this program',
    [(await served.cpuSeconds()) - cpu, (await served.databaseCpuSeconds()) - database, (user + system) / 1_000_000]
      .map(each)
      .join(' · '),
  );
}

/** Sends within one room of our own, so many at once. */
async function rate(alice: Person, roomId: string, seconds: number): Promise<number> {
  const end = Date.now() + seconds * 1_000;
  let sent = 0;
  const work = async (worker: number) => {
    while (Date.now() < end) await alice.say(roomId, `${worker} ${sent++} ${end}`);
  };
  await Promise.all(Array.from({ length: 16 }, (_, worker) => work(worker)));
  return sent / seconds;
}

async function isQuiet(served: Served): Promise<boolean> {
  const before = await served.cpuSeconds();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return (await served.cpuSeconds()) - before < 0.1;
}

async function destinations(served: Served, far: FarServer, count: number): Promise<void> {
  const alice = await Person.register(served.url, 'alice');
  const own = await alice.createRoom({ preset: 'private_chat' });
  const room = new FarWriter(far);
  const others: FarServer[] = [];
  for (let index = 0; index < count; index++) others.push(await FarServer.start(served.authority));
  for (const other of others) {
    room.join(other.user('somebody'), other);
    other.answering = ({ path }) => (path.includes('/send/') ? { pdus: {} } : undefined);
  }
  letIn(far, [room]);
  await alice.must('POST', joinPath(room.roomId, far));
  const [dead, alive] = [others.slice(0, count / 2), others.slice(count / 2)];
  await Promise.all(dead.map((other) => other.close()));
  // What a join has told the others comes first.
  await until(() => isQuiet(served));
  await rate(alice, own, 3);
  const alone = await rate(alice, own, 8);
  for (const other of alive) other.asked.length = 0;
  const before = await served.cpuSeconds();
  const start = process.cpuUsage();
  await alice.say(room.roomId, 'to all of them');
  const beside = await rate(alice, own, 8);
  const used = (await served.cpuSeconds()) - before;
  const { user, system } = process.cpuUsage(start);
  const ours = (user + system) / 1_000_000;
  const taken = () => alive.filter(({ asked }) => asked.some(({ path }) => path.includes('/v1/send/'))).length;
  const late = await timed(() => until(async () => taken() === alive.length));
  tell(`local sends alone · beside one to ${count} servers`, `${alone.toFixed(0)} · ${beside.toFixed(0)} a second`);
  tell('processor time of the homeserver · of this program meanwhile', `${used.toFixed(1)} · ${ours.toFixed(1)} s`);
  tell('of what they were alone', `${((100 * beside) / alone).toFixed(0)} %`);
  tell(`all of the ${alive.length} that live have it`, `${(8 + late).toFixed(1)} s after it was sent, at most`);
  await Promise.all(alive.map((other) => other.close()));
}

await ready();
const served = await Served.start();
const fars = await Promise.all(
  Array.from({ length: what === 'inbound' ? SENDERS : 1 }, () => FarServer.start(served.authority)),
);
try {
  if (what === 'inbound') await inbound(served, fars, Number(given ?? 20_000));
  else if (what === 'destinations') await destinations(served, fars[0]!, Number(given ?? 1_000));
  else await join(served, fars[0]!, Number(given ?? 10_000));
} finally {
  for (const far of fars) await far.close();
  await served.close();
}
