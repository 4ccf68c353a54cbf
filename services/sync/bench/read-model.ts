/**
 * What large rooms and many of them cost whoever reads them: within one replica, without HTTP, on tables that are filled directly.
 * Run it with `node --expose-gc --conditions=source --import ../../libs/testing/src/typescript-hooks.ts bench/read-model.ts`;
 * names of parts after it (initial, incremental, catch-up, messages, members, receipts) run these alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEmbeddedBus } from '@ganglion/bus';
import { parseConfig } from '@ganglion/config';
import { ROOM_EVENTS } from '@ganglion/contracts';
import { Database, migrate } from '@ganglion/database';
import { compileFilter, compileRoomEventFilter } from '@ganglion/protocol';
import { createLogger, Metrics } from '@ganglion/telemetry';
import { testDatabase } from '@ganglion/testing';
import type { SyncRequest } from '../src/domain/answer/sync-request.js';
import { batchesAbove } from '../src/storage/catch-up-reader.js';
import { syncSchema } from '../src/storage/migrations.js';
import { createSyncServer, type SyncServer } from '../src/sync-server.js';
import { FilledLog, fillRooms } from './filled-rooms.js';

const FILTERS = { defaultLimit: 10, maximumLimit: 100 };
const LAZY = compileFilter({ room: { state: { lazy_load_members: true } } }, FILTERS);
const ANY = { defaultLimit: Number.MAX_SAFE_INTEGER, maximumLimit: Number.MAX_SAFE_INTEGER };
const NEVER = new AbortController().signal;

const config = parseConfig(JSON.stringify({ bus: { kind: 'embedded' }, server_names: [{ name: 'one.test' }] }), '/');
const database = await testDatabase();
const db = await Database.connect({ url: database.url, max: 20, applicationName: 'bench', slowStatementMs: 60_000 });
const log = new FilledLog();
const bus = createEmbeddedBus();
let position = 0;

const asked = (userId: string, since?: number): SyncRequest => ({
  ...{
    userId,
    deviceId: 'DEVICE',
    since,
    filter: LAZY,
    fullState: false,
    stateKey: 'state',
    timeoutMs: 0,
    signal: NEVER,
  },
});

/** One replica with nothing in memory. */
async function fresh(): Promise<SyncServer> {
  const users = new Proxy({}, { get: () => async () => ({ changes: undefined, heads: [], cursor: 0, more: false }) });
  const owners = { roomLog: log, userLog: users, users, accountData: users };
  const deps = { config, db, bus, logger: createLogger({ level: 'error' }), metrics: new Metrics(), ...owners };
  const server = createSyncServer(deps as unknown as Parameters<typeof createSyncServer>[0]);
  await server.start();
  return server;
}

const names = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `@${prefix}-${i}:one.test`);
const mb = (bytes: number) => Math.round(bytes / 1_048_576);
const median = (figures: number[]) => figures.sort((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;

async function timed<T>(run: () => Promise<T>) {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  const result = await run();
  const { user, system } = process.cpuUsage(cpu);
  return { result, ms: performance.now() - begin, cpuMs: (user + system) / 1_000 };
}

/** How far the process grows while something runs, in bytes. */
async function grown<T>(run: () => Promise<T>) {
  globalThis.gc?.();
  const idle = process.memoryUsage().rss;
  let peak = idle;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().rss);
  }, 20);
  const figures = await timed(run);
  clearInterval(timer);
  return { ...figures, bytes: Math.max(peak, process.memoryUsage().rss) - idle };
}

function tell(what: string, figures: Readonly<Record<string, number>>): void {
  const texts = Object.entries(figures).map(
    ([name, value]) => `${value < 10 ? value.toFixed(2) : Math.round(value)} ${name}`,
  );
  console.log(`${what}: ${texts.join(', ')}`);
}

async function initial(): Promise<void> {
  const users = names('initial', 50);
  const rooms = { firstNid: 1_000, count: 500, members: 1_000, messages: 20, users };
  log.add(rooms);
  position = await fillRooms(db, position, rooms);
  await db.query({ text: 'ANALYZE' });
  const server = await fresh();
  await server.service.sync(asked('@nobody:one.test'));
  const cold = await grown(() => server.service.sync(asked(users[0]!)));
  tell('initial sync of 500 rooms of 1,000 members, cold', {
    ms: cold.ms,
    'ms of CPU': cold.cpuMs,
    MB: mb(cold.bytes),
    'kB of answer': cold.result.length / 1_000,
  });
  const warm = await timed(() => server.service.sync(asked(users[1]!)));
  tell('… once the rooms are in memory', { ms: warm.ms, 'ms of CPU': warm.cpuMs });
  await server.stop();
  const again = await fresh();
  await again.service.sync(asked('@nobody:one.test'));
  const all = await grown(() => Promise.allSettled(users.map((userId) => again.service.sync(asked(userId)))));
  const failed = all.result.filter(({ status }) => status === 'rejected').length;
  if (process.env.WHY) console.log(all.result.find(({ status }) => status === 'rejected'));
  tell('… of 50 users at once, cold', { ms: all.ms, MB: mb(all.bytes), failed });
  await again.stop();
}

async function incremental(): Promise<void> {
  const [many = '', few = ''] = names('incremental', 2);
  const shared = { firstNid: 10_000, count: 5, members: 3, messages: 5, users: [many, few] };
  const others = { firstNid: 20_000, count: 1_995, members: 3, messages: 5, users: [many] };
  for (const rooms of [shared, others]) {
    log.add(rooms);
    position = await fillRooms(db, position, rooms);
  }
  const server = await fresh();
  for (const userId of [many, few]) await server.service.sync(asked(userId));
  const figures = new Map([many, few].map((userId) => [userId, [] as number[]]));
  for (let round = 0; round < 300; round++) {
    const since = await headOf();
    await say(shared.firstNid, 13 + round);
    for (let tries = 0; tries < 5_000 && (await headOf()) === since; tries++) await sleep(1);
    for (const userId of round % 2 ? [many, few] : [few, many]) {
      let text = '';
      const { ms } = await timed(async () => {
        text = await server.service.sync(asked(userId, since));
      });
      if (text.includes('"join":{"')) figures.get(userId)!.push(ms);
    }
  }
  const [ofMany, ofFew] = [many, few].map((userId) => median(figures.get(userId)!));
  tell('incremental sync of one event', {
    'ms in 2,000 rooms': ofMany!,
    'ms in 5': ofFew!,
    times: ofMany! / ofFew!,
    'with news': figures.get(many)!.length,
  });
  await server.stop();
}

const headOf = async () =>
  (await db.query<{ position: number }>({ text: 'SELECT position FROM sync.appender' })).rows[0]!.position;

async function say(roomNid: number, roomSeq: number): Promise<void> {
  const event = {
    ...log.event(roomNid * 10_000_000 + 1_000 + roomSeq),
    roomSeq,
    stateChanges: [],
    visibility: 'shared',
  };
  const logged = { ...event, memberships: [], hasMoreStateChanges: false };
  const roomId = `!${roomNid}:one.test`;
  await bus.publish(ROOM_EVENTS, { roomId, roomVersion: '11', roomNid, events: [logged] }, { key: roomId });
}

async function catchUp(): Promise<void> {
  const total = 5_000_000;
  const rooms = { firstNid: 30_000, count: 50, members: 100, messages: total / 50 - 104, users: [] };
  position = await fillRooms(db, position, rooms);
  await db.query({ text: 'ANALYZE' });
  for (const behind of [1, 500, 5_000]) {
    const times: number[] = [];
    for (let round = 0; round < 20; round++) times.push((await timed(() => batchesAbove(db, position - behind))).ms);
    tell(`catch-up over ${behind} of 5,000,000 events`, {
      'ms, median': median(times),
      'ms, worst': Math.max(...times),
    });
  }
}

async function messages(): Promise<void> {
  const users = names('messages', 20);
  const rooms = { firstNid: 40_000, count: 20, members: 20, messages: 1_000, users };
  log.add(rooms);
  position = await fillRooms(db, position, rooms);
  const server = await fresh();
  const filter = compileRoomEventFilter({}, ANY);
  let answered = 0;
  const read = async (until: number, index: number) => {
    for (let page = index; answered < until; page++, answered++) {
      const roomId = `!${rooms.firstNid + (page % rooms.count)}:one.test`;
      const request = { userId: users[index]!, deviceId: 'DEVICE', roomId, direction: 'backwards' as const };
      await server.history.messages({ ...request, from: undefined, to: undefined, limit: 100, filter });
    }
  };
  await Promise.all(users.map((_, index) => read(1_000, index)));
  answered = 0;
  const { ms, cpuMs } = await timed(() => Promise.all(users.map((_, index) => read(4_000, index))));
  tell('/messages of 100 events, 20 at once', {
    'a second': (answered / ms) * 1_000,
    'ms of CPU each': cpuMs / answered,
  });
  await server.stop();
}

async function members(): Promise<void> {
  const users = names('members', 1);
  const rooms = { firstNid: 50_000, count: 1, members: 100_000, messages: 10, users };
  log.add(rooms);
  position = await fillRooms(db, position, rooms);
  await db.query({ text: 'ANALYZE' });
  const server = await fresh();
  const request = { userId: users[0]!, deviceId: 'DEVICE', roomId: '!50000:one.test', at: undefined };
  let firstMs = 0;
  const run = async () => {
    const begin = performance.now();
    const asked = { ...request, membership: undefined, notMembership: undefined };
    for await (const _page of await server.history.getMembersByRoom(asked)) firstMs ||= performance.now() - begin;
  };
  const { ms, cpuMs, bytes } = await grown(run);
  tell('/members of 100,000', { ms, 'ms until the first page': firstMs, 'ms of CPU': cpuMs, MB: mb(bytes) });
  await server.stop();
}

/** In hundredths of a second; connections that are closed meanwhile stay with what they had used when it was looked last. */
const databaseTicks = new Map<number, number>();

/** Processor time that the database's processes for this bench have used so far, in milliseconds. */
async function databaseCpuMs(): Promise<number> {
  const text = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database()';
  const { rows } = await db.query<{ pid: number }>({ text });
  for (const { pid } of rows) {
    if (!existsSync(`/proc/${pid}/stat`)) continue;
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    databaseTicks.set(pid, Number(fields[11]) + Number(fields[12]));
  }
  return databaseTicks.values().reduce((sum, each) => sum + each, 0) * 10;
}

/** So many receipts a second, while somebody talks. */
async function receipts(): Promise<void> {
  const users = names('receipts', 200);
  const rooms = { firstNid: 60_000, count: 30, members: 200, messages: 2_000, users };
  const talk = { firstNid: 61_000, count: 1, members: 10, messages: 10, users: users.slice(0, 1) };
  for (const filled of [rooms, talk]) {
    log.add(filled);
    position = await fillRooms(db, position, filled);
  }
  await db.query({ text: 'ANALYZE' });
  const server = await fresh();
  let sent = 0;
  let failed = 0;
  const read = async () => {
    const pair = sent % (users.length * rooms.count);
    const roomNid = rooms.firstNid + (pair % rooms.count);
    const eventNid = roomNid * 10_000_000 + 2_170 + Math.floor(sent++ / (users.length * rooms.count));
    const userId = users[Math.floor(pair / rooms.count)]!;
    const asked = { userId, roomId: `!${roomNid}:one.test`, type: 'm.read', threadId: undefined } as const;
    await server.receipts.post([{ ...asked, eventId: `$${eventNid}-${'x'.repeat(40)}` }]).catch(() => (failed += 1));
  };
  let said = 0;
  const run = async (aSecond: number, seconds: number) => {
    const delays: number[] = [];
    const [before, cpu, begin] = [await databaseCpuMs(), process.cpuUsage(), performance.now()];
    const pending = new Set<Promise<void>>();
    let due = 0;
    const first = sent;
    while (performance.now() - begin < seconds * 1_000) {
      for (due = ((performance.now() - begin) / 1_000) * aSecond; sent - first < due; ) {
        const one = read().finally(() => pending.delete(one));
        pending.add(one);
      }
      const roomSeq = 13 + ++said;
      const at = performance.now();
      await say(talk.firstNid, roomSeq);
      const seen = 'SELECT 1 FROM sync.rooms WHERE room_nid = $1 AND room_seq >= $2';
      while ((await db.query({ name: 'said', text: seen, values: [talk.firstNid, roomSeq] })).rowCount === 0)
        await sleep(1);
      delays.push(performance.now() - at);
      await sleep(10);
    }
    await Promise.all(pending);
    const { user, system } = process.cpuUsage(cpu);
    return {
      delays,
      cpuMs: (user + system) / 1_000,
      databaseMs: (await databaseCpuMs()) - before,
      count: sent - first,
    };
  };
  await run(2_000, 4);
  for (const aSecond of [0, 6_000, 0, 6_000]) {
    const { delays, cpuMs, databaseMs, count } = await run(aSecond, 6);
    delays.sort((one, other) => one - other);
    tell(`${aSecond} receipts a second`, {
      ...{ taken: count, failed, 'ms of CPU': cpuMs, 'ms of the database': databaseMs, messages: delays.length },
      ...{ 'ms until a message is there, p50': median(delays), p95: delays[Math.floor(delays.length * 0.95)]! },
    });
  }
  await server.stop();
}

const parts = { initial, incremental, messages, members, receipts, 'catch-up': catchUp };
await migrate(db, syncSchema);
const wanted = process.argv.slice(2);
try {
  for (const [name, part] of Object.entries(parts)) if (wanted.length === 0 || wanted.includes(name)) await part();
} finally {
  await bus.close();
  await db.close();
  await database.drop();
}
process.exit(0);
