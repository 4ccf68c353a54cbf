import type { RoomLog } from '@ganglion/contracts/room';
import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { Change, NewEvent } from './support/room.js';
import { overriding } from './support/trouble.js';

const MEMBERS = 2_500;
const LAZY = { room: { state: { lazy_load_members: true } } };

interface Jump {
  readonly roomId: string;
  readonly elders: readonly string[];
  /** The event that brings the state of the room. */
  readonly join: NewEvent;
}

describe.each(BUSES)('a change of state that is too large for a message, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());
  beforeEach(() => {
    alice = deployment.person('alice', replicas[0]);
    bob = deployment.person('bob', replicas[1]);
  });

  const member = (userId: string, membership: string): NewEvent => ({
    ...{ type: 'm.room.member', stateKey: userId, sender: userId, content: { membership, displayname: userId } },
  });
  const nameOf = ({ type, stateKey }: NewEvent) => ({ type, stateKey: stateKey! });

  /** Somebody joins a room of another server that has many members. */
  function largeRoom(joiner: string): Jump {
    const roomId = deployment.rooms.name();
    const room = deployment.rooms.room(roomId);
    const elders = Array.from({ length: MEMBERS }, (__, index) => `@elder-${index}:two.test`);
    const state = [
      { type: 'm.room.create', stateKey: '', sender: elders[0]!, content: { room_version: '11' } },
      { type: 'm.room.topic', stateKey: '', sender: elders[0]!, content: { topic: 'Large' } },
      ...elders.map((elder, index) => member(elder, index % 10 === 9 ? 'leave' : 'join')),
    ];
    const changes: Change[] = state.map((event) => ({ ...nameOf(event), eventId: room.outlier(event).eventId }));
    const eventId = `$join-of-${joiner}-${roomId}`;
    const own: Change = { type: 'm.room.member', stateKey: joiner, eventId };
    return { roomId, elders, join: { ...member(joiner, 'join'), eventId, depth: 9_000, jump: [...changes, own] } };
  }

  const membersOf = async (person: Person, roomId: string, query = '') => {
    const { status, body } = await person.call('GET', `rooms/${encodeURIComponent(roomId)}/members${query}`);
    expect(status).toBe(200);
    return body.chunk.map(({ state_key }: { state_key: string }) => state_key).sort();
  };

  it('shows who joins the state, and as many members as there are, whether they load them all or not', async () => {
    const { roomId, elders, join } = largeRoom(alice.userId);
    await alice.sync();
    const eventId = await deployment.rooms.send(roomId, join);
    const room = await alice.sees(roomId, eventId);
    const told = room as unknown as { summary: object; state: { events: { type: string }[] } };
    const joined = elders.filter((__, index) => index % 10 !== 9);
    expect(told.summary).toMatchObject({ 'm.joined_member_count': joined.length + 1, 'm.invited_member_count': 0 });
    // Her own event is in the timeline.
    expect(told.state.events.filter(({ type }) => type === 'm.room.member')).toHaveLength(MEMBERS);
    expect(await membersOf(alice, roomId, '?membership=join')).toEqual([...joined, alice.userId].sort());
    expect(await membersOf(alice, roomId, '?membership=leave')).toHaveLength(MEMBERS / 10);

    const lazily = await alice.with({ deviceId: 'LAZY', url: replicas[1].url }).sync({ filter: LAZY });
    const { summary, state, timeline } = lazily.rooms.join[roomId];
    expect(summary).toMatchObject({ 'm.joined_member_count': joined.length + 1 });
    expect(summary['m.heroes']).toHaveLength(5);
    const types = [...state.events, ...timeline.events].map(({ type }: { type: string }) => type);
    expect(types).toEqual(expect.arrayContaining(['m.room.create', 'm.room.topic']));
    expect(types.filter((type) => type === 'm.room.member')).toHaveLength(6);
  });

  it('reaches who follows the room, and changes who is in it', async () => {
    const roomId = await deployment.rooms.create(alice.userId, bob.userId);
    const said = await deployment.rooms.say(roomId, alice.userId, 'Hello');
    await Promise.all([alice.sees(roomId, said), bob.sees(roomId, said)]);
    const carol = deployment.person('carol', replicas[1]);
    await carol.sync();
    const room = deployment.rooms.room(roomId);
    const events = [member(bob.userId, 'ban'), member(carol.userId, 'join')];
    const many = Array.from({ length: MEMBERS }, (__, index) => member(`@new-${index}:two.test`, 'join'));
    const jump = [...events, ...many].map((event) => ({ ...nameOf(event), eventId: room.outlier(event).eventId }));
    const late: NewEvent = { type: 'm.room.message', sender: alice.userId, content: { body: 'Late' }, jump };
    const eventId = await deployment.rooms.send(roomId, late);
    const seen = (await alice.sees(roomId, eventId)) as unknown as { summary: object };
    expect(seen.summary).toMatchObject({ 'm.joined_member_count': MEMBERS + 2 });
    await eventually(async () => expect((await bob.sync({ timeout: 500 })).rooms.leave).toHaveProperty([roomId]));
    await carol.roomUntil(roomId, () => true);
    expect(await membersOf(carol, roomId, '?membership=ban')).toEqual([bob.userId]);
    const next = await deployment.rooms.say(roomId, alice.userId, 'After');
    await Promise.all([alice.sees(roomId, next), carol.sees(roomId, next)]);
  });

  it('is told once by the replica that misses it, and by one that begins later', async () => {
    const { roomId, join } = largeRoom(bob.userId);
    await Promise.all([bob.sync(), alice.sync()]);
    replicas[1].trouble.loses = (topic) => topic === 'sync-appended';
    const eventId = await deployment.rooms.send(roomId, join);
    await bob.sees(roomId, eventId);
    replicas[1].trouble.loses = () => false;
    const count = MEMBERS - MEMBERS / 10 + 1;
    const late = bob.with({ url: (await deployment.start()).url, deviceId: 'LATE' });
    const { summary } = (await late.sync({ filter: LAZY })).rooms.join[roomId];
    expect(summary).toMatchObject({ 'm.joined_member_count': count });
  });

  it('is appended whole when what brings it fails in the middle, and again', async () => {
    const { roomId, join } = largeRoom(alice.userId);
    let calls = 0;
    const getStateChanges: RoomLog['getStateChanges'] = (request) => {
      calls += 1;
      if (calls === 2 || calls === 5) return Promise.reject(new Error('it went away'));
      return deployment.rooms.getStateChanges(request);
    };
    const others = await Deployment.create(makeBus);
    try {
      const replica = await others.start({ roomLog: overriding<RoomLog>(deployment.rooms, { getStateChanges }) });
      const person = alice.with({ url: replica.url });
      await person.sync();
      const logged = deployment.rooms.append(roomId, [join]);
      const { events } = await deployment.rooms.getRoomEvents({ roomId, afterSeq: 0, limit: 9, backfilled: false });
      await others.rooms.publishRun(events!);
      await person.sees(roomId, logged[0]!.eventId);
      expect(calls).toBeGreaterThan(3);
      const count = (table: string) => `(SELECT count(*) FROM sync.${table} WHERE room_nid = $1)`;
      const text = `SELECT ${count('state_log')} AS entries, ${count('state_jumps')} AS left`;
      const { rows } = await others.db.query({ text, values: [deployment.rooms.room(roomId).roomNid] });
      expect(rows).toEqual([{ entries: MEMBERS + 3, left: 0 }]);
    } finally {
      await others.close();
    }
  });
});
