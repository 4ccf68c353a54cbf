import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOM_VERSIONS, ready } from '@ganglion/protocol';
import { Random, type RandomRoom, randomRoom } from '@ganglion/protocol/testing';
import { spawnTypeScript } from '../../../libs/testing/src/child-process.js';
import {
  headOf,
  idsIn,
  idsRead,
  keptEvents,
  openRoom,
  receive,
  resolvedAfter,
  StateMaps,
  shuffledPieces,
  statesNobodyNeeds,
} from './support/received-room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

/** `ROOMS=1000 SEED=7` feeds more of them, or other ones. */
const TIMEOUT_MS = 300_000;
const ROOMS = Number(process.env.ROOMS ?? 300);
const SEED = Number(process.env.SEED ?? 1);
const ROOMS_A_TEST = 30;

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterAll(() => servers.close());

function roomOf(seed: number): RandomRoom {
  const { id } = ROOM_VERSIONS[seed % ROOM_VERSIONS.length]!;
  return randomRoom({ seed, version: id, length: 30 + (seed % 4) * 15 });
}

/** The states around every event are the library's, and the current state is what the forward extremities come to. */
async function expectLibrarysStates(room: RandomRoom): Promise<void> {
  const { db } = replicas[0];
  const kept = await keptEvents(db, room.roomId);
  const head = await headOf(db, room.roomId);
  const states = await StateMaps.read(db, head.nid, kept);
  const byId = new Map(kept.map((event) => [event.eventId, event]));
  for (const { eventId, rejected, stateBefore, stateAfter } of room.events) {
    const event = byId.get(eventId)!;
    expect([eventId, event.status === 'rejected']).toEqual([eventId, rejected]);
    expect(['accepted', 'rejected', 'soft-failed']).toContain(event.status);
    expect([eventId, states.idsOf(event.before)]).toEqual([eventId, idsIn(stateBefore)]);
    expect([eventId, states.idsOf(event.after)]).toEqual([eventId, idsIn(stateAfter)]);
  }
  expect(kept.length).toBe(room.events.length);
  expect(states.idsOf(head.state)).toEqual(head.entries);
  expect(head.entries).toEqual(resolvedAfter(room, head.extremities));
  expect(head.joinedByHost).toBe(head.joined);
  const seqs = kept.flatMap(({ seq }) => seq ?? []).sort((one, other) => one - other);
  expect(seqs).toEqual(seqs.map((_, index) => index + 1));
  expect(head.seq).toBe(seqs.length);
  expect(kept.filter(({ status }) => status === 'accepted').length).toBe(seqs.length);
  expect(await statesNobodyNeeds(db, head.nid)).toEqual([]);
  for (const stateNid of states.nids.slice(-2)) {
    const ids = states.idsOf(stateNid);
    expect(await idsRead(db, head.nid, stateNid, kept)).toEqual({ entries: ids, looked: ids });
  }
}

const seeds = Array.from({ length: Math.ceil(ROOMS / ROOMS_A_TEST) }, (_, index) => SEED + index * ROOMS_A_TEST);

/** Cuts the connections of a process, in the middle of whatever it does. */
const cutConnections = (applicationName: string) =>
  replicas[0].db.query({
    text: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE application_name = $1 AND datname = current_database()`,
    values: [applicationName],
  });

it(
  'random rooms that come while connections break, and are sent again, have the states that the rules give',
  async () => {
    const shaken = await servers.start({ applicationName: 'shaken' });
    let failures = 0;
    async function receiveShaken(room: RandomRoom, piece: string[], random: Random): Promise<void> {
      for (let attempt = 0; ; attempt++) {
        const received = receive(shaken, room, piece).then(
          () => true,
          () => false,
        );
        // Three times something breaks somewhere on the way, then it goes well.
        for (let steps = random.below(40); attempt < 3 && steps > 0; steps--)
          await replicas[0].db.query({ text: 'SELECT' });
        if (attempt < 3) await cutConnections('shaken');
        if (await received) return;
        failures += 1;
        if (attempt > 20) throw new Error('it failed again and again');
      }
    }
    for (let seed = 9_000; seed < 9_004; seed++) {
      const room = roomOf(seed);
      const random = new Random(`shaken ${seed}`);
      await openRoom(replicas[0], room);
      for (const [index, piece] of shuffledPieces(room, random).entries()) {
        if (index % 4 === 0) await receive(replicas[1], room, piece);
        else await receiveShaken(room, piece, random);
      }
      await expectLibrarysStates(room);
    }
    expect(failures).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

it(
  'random rooms that come while who takes them in is killed again and again have the states that the rules give',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ganglion-intake-'));
    const file = join(folder, 'pieces.json');
    const random = new Random('killed');
    const rooms = Array.from({ length: 8 }, (_, index) => roomOf(9_100 + index));
    for (const room of rooms) await openRoom(replicas[0], room);
    const byRoom = rooms.map((room) => shuffledPieces(room, random).map((pdusJson) => ({ room, pdusJson })));
    const longest = Math.max(...byRoom.map(({ length }) => length));
    const pieces = Array.from({ length: longest }, (_, place) => byRoom.flatMap((each) => each[place] ?? [])).flat();
    const theirs = pieces.filter((_, index) => index % 3 !== 0);
    await writeFile(file, JSON.stringify(theirs.map(({ room: { roomId }, pdusJson }) => ({ roomId, pdusJson }))));
    const taken = new Set<number>();
    const firstLeft = () => theirs.findIndex((_, index) => !taken.has(index));
    const script = new URL('./processes/intake.ts', import.meta.url);
    const takingAndDying = async () => {
      for (let kills = 0; firstLeft() >= 0; kills++) {
        const process = spawnTypeScript(script, [servers.database.url, file, String(firstLeft())]);
        const share = Math.ceil(theirs.length / 6);
        const goal = kills < 5 ? random.below(share) + 1 : Number.POSITIVE_INFINITY;
        for (let count = 0; count < goal && firstLeft() >= 0; count++) {
          taken.add(Number((await process.line('took ')).slice('took '.length)));
        }
        await sleep(random.below(8));
        await process.kill('SIGKILL');
      }
    };
    const takingElsewhere = async () => {
      for (const { room, pdusJson } of pieces.filter((_, index) => index % 3 === 0)) {
        await receive(replicas[1], room, pdusJson);
      }
    };
    try {
      await Promise.all([takingAndDying(), takingElsewhere()]);
      for (const room of rooms) await expectLibrarysStates(room);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
  TIMEOUT_MS,
);

describe.each(seeds)('random rooms from seed %d on', (first) => {
  const rooms = () => Array.from({ length: ROOMS_A_TEST }, (_, index) => roomOf(first + index));

  it(
    'that come in order, one event at a time, are as a server that saw them so has them',
    async () => {
      for (const room of rooms().slice(0, 3)) {
        await openRoom(replicas[0], room);
        for (const [
          index,
          { eventId, json, rejected, softFailed, extremities, currentState },
        ] of room.events.entries()) {
          const { outcomes } = await receive(replicas[index % 2]!, room, [json]);
          const fate = rejected ? 3 : softFailed ? 2 : 1;
          expect([eventId, outcomes[0]]).toEqual([eventId, expect.objectContaining({ eventId, fate })]);
          const head = await headOf(replicas[0].db, room.roomId);
          expect([eventId, head.extremities]).toEqual([eventId, [...extremities].sort()]);
          expect([eventId, head.entries]).toEqual([eventId, idsIn(currentState)]);
        }
        await expectLibrarysStates(room);
      }
    },
    TIMEOUT_MS,
  );

  it(
    'that come in any order, in pieces, twice, to two at once, have the states that the rules give',
    async () => {
      for (const room of rooms().slice(3)) {
        const random = new Random(`${first} ${room.roomId}`);
        await openRoom(replicas[0], room);
        const pieces = shuffledPieces(room, random);
        await Promise.all(
          replicas.map(async (replica, index) => {
            for (const piece of pieces.filter((_, place) => place % 2 === index)) await receive(replica, room, piece);
          }),
        );
        await expectLibrarysStates(room);
      }
    },
    TIMEOUT_MS,
  );
});
