import { hash } from 'node:crypto';
import { ROOM_VERSIONS, ready, signingKeyFromSeed, stateTuple } from '@ganglion/protocol';
import { Random, type RandomRoom, randomRoom } from '@ganglion/protocol/testing';
import { eventually, MatrixUser, type Replica, startTestCluster, type TestCluster } from '@ganglion/testing';
import { Intake } from './support/intake.js';
import { RoomLog } from './support/room-log.js';
import { Spectator } from './support/spectator.js';

/** `ROOMS=20 SEED=7` feeds more of them, or other ones. */
const ROOMS_A_TEST = Number(process.env.ROOMS ?? 6);
const ROUNDS = 4;
const LENGTH = 60;
const REJECTED = 1;
const DUMMY = 'org.matrix.dummy_event';
const SERVERS = ['a.example', 'b.example', 'one.example'];

interface Piece {
  readonly room: RandomRoom;
  readonly pdusJson: string[];
}

/** Rooms that other servers write, made up from seeds, which come to a cluster in pieces while parts of it die. */
describe('what must never break while rooms of other servers come in', () => {
  let cluster: TestCluster;
  let log: RoomLog;
  let intake: Intake;
  let spectators: readonly Spectator[];
  let following: Promise<unknown>;
  const reading = new AbortController();
  let seed = Number(process.env.SEED ?? 0);

  beforeAll(async () => {
    await ready();
    cluster = await startTestCluster({
      settings: { server_names: [{ name: 'one.example' }], sync: { recent_events_per_room: 200 } },
    });
    log = await RoomLog.open(cluster.databaseUrl);
    intake = new Intake(cluster.replicasOf('room-server'));
    const user = await MatrixUser.register(cluster.url, 'spectator');
    spectators = [new Spectator(user), new Spectator(user.at(cluster.replicasOf('sync')[1]!.url))];
    following = Promise.all(spectators.map((spectator) => spectator.follow(reading.signal)));
    following.catch(() => {});
  }, 180_000);

  afterAll(async () => {
    reading.abort();
    await following?.catch(() => {});
    await intake?.close();
    await log?.close();
    await cluster?.close();
  }, 60_000);

  const replica = (service: Replica['service'], index: number) => cluster.replicasOf(service)[index] as Replica;

  /** The next room whose spectator stays in it wherever it forks, so that they may see all of it. */
  function nextRoom(): RandomRoom {
    const spectator = spectators[0]!.userId;
    const keys = new Map(SERVERS.map((name) => [name, signingKeyFromSeed('1', hash('sha256', name, 'buffer'))]));
    for (;;) {
      seed += 1;
      const { id } = ROOM_VERSIONS[seed % ROOM_VERSIONS.length]!;
      const room = randomRoom({ seed, version: id, length: LENGTH, keys, spectator });
      const isIn = ({ stateAfter }: RandomRoom['events'][number]) =>
        stateAfter.has(stateTuple('m.room.member', spectator));
      const joined = room.events.findIndex(isIn);
      if (room.events.slice(joined).every(isIn)) return room;
    }
  }

  /** Makes a place for a room and says in which pieces the rest of it is to come. */
  async function open(room: RandomRoom, fromTheMiddle: boolean, random: Random): Promise<Piece[]> {
    const { roomId, version } = room;
    const isJoin = ({ pdu }: RandomRoom['events'][number]) => pdu.state_key === spectators[0]!.userId;
    const joined = room.events.findIndex(isJoin);
    const before = fromTheMiddle ? room.events.slice(0, joined) : [];
    const after = room.events.slice(before.length + Number(fromTheMiddle));
    const pdusJson = before.map(({ json }) => json);
    await intake.give((to) => to.storeOutliers({ roomId, roomVersion: version, pdusJson }));
    if (fromTheMiddle) {
      const { json, stateBefore } = room.events[joined]!;
      const stateEventIds = [...stateBefore.values()];
      await intake.give((to) => to.placeWithState({ roomId, pduJson: json, stateEventIds, backfill: false }));
    }
    const texts = random.some([...after, ...after.filter(() => random.percent(20))], Number.POSITIVE_INFINITY);
    const pieces: Piece[] = [];
    while (texts.length > 0) {
      pieces.push({ room, pdusJson: texts.splice(0, 1 + random.below(5)).map(({ json }) => json) });
    }
    return pieces;
  }

  /** The first events of a room that was entered later. */
  async function backfill({ events, roomId }: RandomRoom): Promise<void> {
    const joined = events.findIndex(({ pdu }) => pdu.state_key === spectators[0]!.userId);
    const pdusJson = events.slice(0, joined).map(({ json }) => json);
    await intake.give((to) => to.receivePdus({ roomId, pdusJson, backfill: true }));
  }

  /** Each accepted event once, the state as the room has it, and the same history from both ends. */
  async function expectReadOnce(room: RandomRoom): Promise<void> {
    const { roomId } = room;
    const { rows } = await log.db.query<{ id: string; status: number; seq: number | null; type: string }>({
      text: `SELECT e.event_id AS id, e.status, e.room_seq AS seq, e.type FROM room_server.events e
        JOIN room_server.rooms r USING (room_nid) WHERE r.room_id = $1 ORDER BY e.room_seq`,
      values: [roomId],
    });
    const statuses = new Map(rows.map(({ id, status }) => [id, status]));
    for (const { eventId, rejected } of room.events) {
      const status = statuses.get(eventId);
      expect([eventId, status, status === REJECTED]).toEqual([eventId, status, rejected]);
    }
    const accepted = rows.filter(({ status, type }) => status === 0 && type !== DUMMY);
    const live = accepted.flatMap(({ seq, id }) => (seq! > 0 ? [id] : []));
    const state = await log.db.query<{ id: string; key: string }>({
      text: `SELECT e.event_id AS id, concat_ws(' ', s.type, s.state_key) AS key FROM room_server.rooms r JOIN room_server.state_entries s USING (room_nid)
        JOIN room_server.events e USING (room_nid, event_nid) WHERE r.room_id = $1`,
      values: [roomId],
    });
    for (const spectator of spectators) {
      await eventually(() => expectToHaveSeen(spectator, roomId, live), 30_000);
      // That an entry of the state is gone is nothing that a client can be told.
      const told = state.rows.map(({ key }) => [key, spectator.state(roomId).get(key)]);
      expect(told).toEqual(state.rows.map(({ key, id }) => [key, id]));
      const [backwards, forwards] = await Promise.all([
        spectator.messages(roomId, 'b'),
        spectator.messages(roomId, 'f'),
      ]);
      expect(forwards).toEqual(backwards.toReversed());
      expect(forwards.toSorted()).toEqual(accepted.map(({ id }) => id).sort());
    }
  }

  /** Something happens in the middle of each round, between the n-th and the next answer. */
  function prove(name: string, happening: (round: number) => Promise<() => Promise<void>>): void {
    const proof = async () => {
      const random = new Random(name);
      const rooms = Array.from({ length: ROOMS_A_TEST }, nextRoom);
      const pieces = await Promise.all(rooms.map((room, index) => open(room, index % 2 === 1, random)));
      for (let round = 0; round < ROUNDS; round++) {
        const interrupted = intake.after(1 + random.below(ROOMS_A_TEST));
        const parts = pieces.map((each) => each.splice(0, Math.ceil(each.length / (ROUNDS - round))));
        const feeding = parts.map(async (part) => {
          for (const { room, pdusJson } of part) {
            await intake.give((to) => to.receivePdus({ roomId: room.roomId, pdusJson, backfill: false }));
          }
        });
        feeding.push(interrupted.then(async () => (await happening(round))()));
        await Promise.all(feeding);
      }
      await Promise.all(rooms.map((room, index) => (index % 2 === 1 ? backfill(room) : undefined)));
      for (const room of rooms) await expectReadOnce(room);
    };
    it(name, () => cluster.explaining(() => Promise.race([proof(), following as Promise<never>])), 180_000);
  }

  prove('1. Postgres is the truth, NATS only carries it: it loses all of its files', async (round) => {
    await cluster.nats.kill();
    return () => cluster.nats.restart({ wipe: round !== 2 });
  });

  let before = 0;
  prove('2. Any replica may serve any request: one room-server or the other is killed', async (round) => {
    if (round === 0) before = intake.failures;
    await replica('room-server', round % 2).kill();
    return async () => {
      await replica('room-server', round % 2).start();
      // What had not begun was tried elsewhere, and has not failed.
      if (round === ROUNDS - 1) expect(intake.failures).toBeGreaterThan(before);
    };
  });

  prove('5. A sync token never skips: whoever hands out positions, or the other, is killed', async (round) => {
    await replica('sync', round % 2).kill();
    return () => replica('sync', round % 2).start();
  });
});

/** Each event once, in the order in which they came; what was found in gaps, in the order of the room, with older history. */
function expectToHaveSeen(spectator: Spectator, roomId: string, live: readonly string[]): void {
  const seen = spectator.timeline(roomId);
  if (spectator.hadGap(roomId)) {
    const wanted = new Set(live);
    expect(seen.filter((id) => wanted.has(id)).toSorted()).toEqual(live.toSorted());
    expect(new Set(seen).size).toBe(seen.length);
  } else expect(seen).toEqual(live);
}
