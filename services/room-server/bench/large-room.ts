/**
 * What a room with very many members costs, and rooms that fork. Run it on a PostgreSQL of your own with
 * `GANGLION_TEST_POSTGRES=… node --expose-gc --conditions=source --import ../../libs/testing/src/typescript-hooks.ts bench/large-room.ts [members]`.
 * Where others use the machine, look at CPU and statements, which they change little.
 */
import { hash } from 'node:crypto';
import { hashAndSignEvent, type JsonObject, roomVersionRules, signingKeyFromSeed } from '@ganglion/protocol';
import { PostgresRoomStore } from '../src/storage/room-store.js';
import { ALICE, createRoom, send } from '../test/support/room.js';
import { type Replica, RoomServers } from '../test/support/room-servers.js';

const MEMBERS = Number(process.argv[2] ?? 100_000);
const FAR = 'far.test';
const REMOTE = `@remote:${FAR}`;
const rules = roomVersionRules('12')!;

interface Written {
  readonly eventId: string;
  readonly json: string;
}

/** A room of another server, written without looking at its state. */
class Writer {
  readonly #key = signingKeyFromSeed('1', hash('sha256', FAR, 'buffer'));
  #depth = 0;
  readonly create = this.#sign(
    { type: 'm.room.create', sender: REMOTE, state_key: '', content: { room_version: '12' } },
    [],
  );
  readonly roomId = `!${this.create.eventId.slice(1)}`;
  readonly creator = this.write('m.room.member', REMOTE, REMOTE, { membership: 'join' }, [this.create], []);
  readonly levels = this.write('m.room.power_levels', REMOTE, '', {}, [this.creator], [this.creator]);
  readonly joinRules = this.write(
    'm.room.join_rules',
    REMOTE,
    '',
    { join_rule: 'public' },
    [this.levels],
    [this.levels, this.creator],
  );
  join(userId: string, prev: Written): Written {
    return this.write('m.room.member', userId, userId, { membership: 'join' }, [prev], [this.levels, this.joinRules]);
  }

  byCreator(type: string, stateKey: string | undefined, content: JsonObject, prevs: readonly Written[]): Written {
    return this.write(type, REMOTE, stateKey, content, prevs, [this.levels, this.creator]);
  }

  write(
    type: string,
    sender: string,
    state_key: string | undefined,
    content: JsonObject,
    prevs: readonly Written[],
    auth: readonly Written[],
  ): Written {
    const body = { type, sender, ...(state_key !== undefined && { state_key }), content, room_id: this.roomId };
    return this.#sign(body, prevs, auth);
  }

  #sign(body: JsonObject, prevs: readonly Written[], auth: readonly Written[] = []): Written {
    const ids = (events: readonly Written[]) => events.map(({ eventId }) => eventId);
    this.#depth += 1;
    const place = { prev_events: ids(prevs), auth_events: ids(auth), depth: this.#depth, origin_server_ts: Date.now() };
    const { eventId, pdu } = hashAndSignEvent({ ...body, ...place } as never, rules, FAR, this.#key);
    return { eventId, json: JSON.stringify(pdu) };
  }
}

const median = (times: number[]) => times.sort((one, other) => one - other)[times.length >> 1]!;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** What something costs this process, once for each of so many. */
async function cost(times: number, run: () => Promise<unknown>): Promise<string> {
  const cpu = process.cpuUsage();
  const before = statements;
  await run();
  const { user, system } = process.cpuUsage(cpu);
  return `${((user + system) / 1_000 / times).toFixed(2)} ms of CPU and ${((statements - before) / times).toFixed(1)} statements`;
}

let statements = 0;

/** Counts what a replica asks of the database. */
function counting(replica: Replica): Replica {
  const query = replica.db.query.bind(replica.db);
  replica.db.query = ((statement: Parameters<typeof query>[0]) => {
    statements += 1;
    return query(statement);
  }) as typeof query;
  return replica;
}

function tell(what: string, figure: string): void {
  process.stdout.write(`${what.padEnd(60)} ${figure}\n`);
}

/** Joins a room of so many members by way of another server. */
async function enter({ roomIntake }: Replica, room: Writer, members: number): Promise<Written> {
  const state = [room.create, room.creator, room.levels, room.joinRules];
  for (let index = 0; index < members; index++) state.push(room.join(`@user${index}:${FAR}`, state.at(-1)!));
  const join = room.join(ALICE, state.at(-1)!);
  const { roomId } = room;
  const took = await timed(async () => {
    for (let first = 0; first < state.length; first += 1_000) {
      const pdusJson = state.slice(first, first + 1_000).map(({ json }) => json);
      await roomIntake.storeOutliers({ roomId, roomVersion: '12', pdusJson });
    }
  });
  const stateEventIds = state.map(({ eventId }) => eventId);
  const placed = await timed(() =>
    roomIntake.placeWithState({ roomId, pduJson: join.json, stateEventIds, backfill: false }),
  );
  tell(`store the state of ${members} members · place our join`, `${took.toFixed(0)} · ${placed.toFixed(0)} ms`);
  return join;
}

async function receive({ roomIntake }: Replica, { roomId }: Writer, events: readonly Written[]): Promise<void> {
  const pdusJson = events.map(({ json }) => json);
  const { outcomes } = await roomIntake.receivePdus({ roomId, pdusJson, backfill: false });
  if (outcomes.some(({ fate }) => fate !== 1)) throw new Error(`not accepted: ${JSON.stringify(outcomes[0])}`);
}

const servers = await RoomServers.create();
try {
  const first = counting(await servers.start());
  const room = new Writer();
  let tip = await enter(first, room, MEMBERS);
  const small = await createRoom(first);

  const heads: number[] = [];
  const store = new PostgresRoomStore(first.db);
  for (let round = 0; round < 21; round++) heads.push(await timed(() => store.loadHead(room.roomId)));
  tell('load the head: median · first', `${median(heads.slice()).toFixed(1)} · ${heads[0]!.toFixed(1)} ms`);

  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const replica = counting(await servers.start());
  const inLarge: number[] = [];
  const inSmall: number[] = [];
  for (let round = 0; round < 400; round++) {
    inLarge.push(await timed(() => send(replica, room.roomId, ALICE)));
    inSmall.push(await timed(() => send(replica, small, ALICE)));
  }
  tell(
    'send: median in the large room · in a small one',
    `${median(inLarge).toFixed(2)} · ${median(inSmall).toFixed(2)} ms`,
  );
  globalThis.gc?.();
  tell('heap of a process that sends there', `${((process.memoryUsage().heapUsed - before) / 1e6).toFixed(1)} MB`);

  const forks: number[] = [];
  const costs: string[] = [];
  for (let round = 0; round < 25; round++) {
    const one = room.byCreator('m.room.topic', '', { topic: `one ${round}` }, [tip]);
    const other = room.byCreator('m.room.topic', '', { topic: `other ${round}` }, [tip]);
    await receive(replica, room, [one]);
    forks.push(
      await timed(async () => {
        costs.push(await cost(1, () => receive(replica, room, [other])));
      }),
    );
    tip = room.byCreator('m.room.message', undefined, { body: 'merged' }, [one, other]);
    await receive(replica, room, [tip]);
  }
  tell('receive a change on a fork against another one: median', `${median(forks).toFixed(1)} ms, ${costs.at(-1)}`);

  const forked: { room: Writer; chains: Written[][] }[] = [];
  for (let index = 0; index < 4; index++) {
    const small = new Writer();
    const start = await enter(replica, small, 10 + index);
    const chains = [0, 1].map((side) => {
      const chain = [small.byCreator('m.room.topic', '', { topic: `side ${side}` }, [start])];
      for (let count = 1; count < 1_000; count++) {
        const isState = count % 50 === 0;
        const content = isState ? { topic: `side ${side}, ${count}` } : { body: `message ${count}` };
        const type = isState ? 'm.room.topic' : 'm.room.message';
        chain.push(small.byCreator(type, isState ? '' : undefined, content, [chain.at(-1)!]));
      }
      return chain;
    });
    forked.push({ room: small, chains });
  }
  let forkCost = '';
  const took = await timed(async () => {
    forkCost = await cost(8_000, () =>
      Promise.all(
        forked.map(async ({ room: small, chains }) => {
          for (let begin = 0; begin < 1_000; begin += 50) {
            for (const chain of chains) await receive(replica, small, chain.slice(begin, begin + 50));
          }
        }),
      ),
    );
  });
  tell('receive on two forks, in four rooms at once', `${(8_000_000 / took).toFixed(0)} PDUs/s, ${forkCost} each`);

  const size = async () => {
    const { rows } = await first.db.query<{ bytes: number }>({
      text: `SELECT sum(pg_total_relation_size(c.oid))::bigint AS bytes FROM pg_class c
        WHERE c.relnamespace = 'room_server'::regnamespace AND c.relkind IN ('r', 'p')`,
    });
    return rows[0]!.bytes;
  };
  const empty = await size();
  let sent = 0;
  const work = async () => {
    while (sent < 10_000) {
      sent += 1;
      const content = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x'.repeat(400), session_id: 'y'.repeat(43) };
      await send(replica, small, ALICE, { type: 'm.room.encrypted', content, txnId: `t${sent}` });
    }
  };
  const sendCost = await cost(10_000, () => Promise.all(Array.from({ length: 64 }, work)));
  tell('send encrypted messages to one room, 64 in flight', `${sendCost} each`);
  tell('disk for an encrypted event, indexes included', `${(((await size()) - empty) / sent).toFixed(0)} bytes`);
} finally {
  await servers.close();
}
