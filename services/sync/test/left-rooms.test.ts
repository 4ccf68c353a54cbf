import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const WITH_LEFT = { room: { include_leave: true } };

interface RoomEvent {
  readonly type: string;
  readonly state_key?: string;
  readonly sender: string;
  readonly content: { readonly membership?: string; readonly name?: string; readonly body?: string };
}

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());

beforeEach(() => {
  [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
});

const secret = (roomId: string, name = 'Secret') =>
  deployment.rooms.send(roomId, { type: 'm.room.name', stateKey: '', sender: alice.userId, content: { name } });

/** Everything that an answer says of a room that the user is not in, as words. */
function told(room: { timeline: { events: RoomEvent[] }; state: { events: RoomEvent[] } } | undefined): string[] {
  const words = ({ type, state_key, content }: RoomEvent) =>
    [type.replace('m.room.', ''), state_key === bob.userId ? 'bob' : undefined, Object.values(content)[0]].filter(
      Boolean,
    );
  return [...(room?.state.events ?? []), ...(room?.timeline.events ?? [])].map((event) => words(event).join(' '));
}

describe('who never was in a room', () => {
  const STORIES: [string, string[], string][] = [
    ['was invited and declined', ['invite', 'leave'], 'member bob leave'],
    ['was invited and uninvited', ['invite', 'kick'], 'member bob leave'],
    ['was banned', ['ban'], 'member bob ban'],
    ['was invited and banned', ['invite', 'ban'], 'member bob ban'],
    ['had knocked and was refused', ['knock', 'kick'], 'member bob leave'],
  ];

  async function live(roomId: string, steps: string[], afterFirst?: () => Promise<unknown>): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const byBob = step === 'leave' || step === 'knock';
      const membership = step === 'kick' ? 'leave' : step;
      await deployment.rooms.setMembership(roomId, bob.userId, membership, byBob ? bob.userId : alice.userId);
      if (index === 0) await afterFirst?.();
    }
  }

  it.each(STORIES)('and %s sees how it ended and nothing else', async (_, steps, end) => {
    const roomId = await deployment.rooms.create(alice.userId);
    await secret(roomId);
    await bob.sync();
    await live(roomId, steps);
    await deployment.rooms.say(roomId, alice.userId, 'secret');
    const answer = await bob.sync();
    expect(told(answer.rooms.leave[roomId])).toEqual([end]);
    expect(answer.rooms.join[roomId]).toBeUndefined();
  });

  it.each(STORIES)('and %s sees it, too, with a sync in between', async (_, steps, end) => {
    const roomId = await deployment.rooms.create(alice.userId);
    await secret(roomId);
    await bob.sync();
    await live(roomId, steps, () => bob.sync());
    const answer = await bob.sync();
    if (steps.length === 1) expect(answer.rooms.leave[roomId]).toBeUndefined();
    else expect(told(answer.rooms.leave[roomId])).toEqual([end]);
  });

  it.each(STORIES)('and %s sees no more when asking for all rooms that they have left', async (_, steps, end) => {
    const roomId = await deployment.rooms.create(alice.userId);
    await secret(roomId);
    await live(roomId, steps);
    await deployment.rooms.say(roomId, alice.userId, 'secret');
    const answer = await bob.sync({ filter: WITH_LEFT });
    expect(told(answer.rooms.leave[roomId])).toEqual([end]);
    const fullState = await bob.sync({ filter: WITH_LEFT, fullState: true });
    expect(told(fullState.rooms.leave[roomId])).toEqual([end]);
  });

  it('sees what is in a room that the world may read', async () => {
    const roomId = await deployment.rooms.create(alice.userId);
    const visibility = { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } };
    await deployment.rooms.send(roomId, { ...visibility, stateKey: '', sender: alice.userId });
    await secret(roomId, 'Open');
    await live(roomId, ['invite', 'leave']);
    const answer = await bob.sync({ filter: WITH_LEFT });
    expect(told(answer.rooms.leave[roomId])).toEqual(expect.arrayContaining(['name Open', 'member bob leave']));
  });
});

describe('who has left a room', () => {
  it('sees it up to their leaving and not beyond', async () => {
    const roomId = await deployment.rooms.create(alice.userId, bob.userId);
    await bob.sync();
    await secret(roomId, 'Before');
    await deployment.rooms.say(roomId, alice.userId, 'before');
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    await deployment.rooms.say(roomId, alice.userId, 'after');
    await secret(roomId, 'After');
    const { rooms } = await bob.sync();
    expect(told(rooms.leave[roomId])).toEqual(['name Before', 'message m.text', 'member bob leave']);
    expect((await bob.sync()).rooms.leave[roomId]).toBeUndefined();
    const again = bob.with({});
    const all = await again.sync({ filter: WITH_LEFT });
    expect(told(all.rooms.leave[roomId])).toContain('name Before');
    expect(JSON.stringify(all)).not.toContain('After');
    expect((await bob.with({}).sync()).rooms.leave[roomId]).toBeUndefined();
  });

  it('and joined it only since the last sync, gets its state with it', async () => {
    const roomId = await deployment.rooms.create(alice.userId);
    await secret(roomId, 'Known');
    for (let index = 0; index < 15; index++) await deployment.rooms.say(roomId, alice.userId, `${index}`);
    await bob.sync();
    await deployment.rooms.setMembership(roomId, bob.userId, 'join');
    await deployment.rooms.say(roomId, bob.userId, 'hello');
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    await secret(roomId, 'Later');
    const { rooms } = await bob.sync();
    const room = rooms.leave[roomId];
    expect(room.state.events.map(({ content }: RoomEvent) => content.name)).toContain('Known');
    expect(room.timeline.events.at(-1).content).toEqual({ membership: 'leave' });
    expect(JSON.stringify(room)).not.toContain('Later');
  });

  it('does not get a room again that they have forgotten', async () => {
    const roomId = await deployment.rooms.create(alice.userId, bob.userId);
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    await bob.sync();
    expect((await bob.call('POST', `rooms/${encodeURIComponent(roomId)}/forget`, {})).status).toBe(200);
    expect((await bob.with({}).sync({ filter: WITH_LEFT })).rooms.leave[roomId]).toBeUndefined();
    const messages = await bob.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b`);
    expect(messages).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
  });

  it('has forgotten it where the server is told to, and is told once that they have left', async () => {
    const forgetting = await deployment.start({ roomSettings: { forget_on_leave: true } });
    const there = bob.with({ url: forgetting.url });
    const [left, kept] = [
      await deployment.rooms.create(alice.userId, bob.userId),
      await deployment.rooms.create(alice.userId, bob.userId),
    ];
    await there.sync();
    await deployment.rooms.setMembership(left, bob.userId, 'leave');
    expect((await there.sync({ timeout: 10_000 })).rooms.leave[left].timeline.events).toHaveLength(1);
    const everything = await bob.with({ url: forgetting.url }).sync({ filter: WITH_LEFT });
    expect([Object.keys(everything.rooms.leave), Object.keys(everything.rooms.join)]).toEqual([[], [kept]]);
    const messages = (roomId: string) => there.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b`);
    expect(await messages(left)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } });
    expect((await messages(kept)).status).toBe(200);
    await deployment.rooms.setMembership(left, bob.userId, 'join');
    await there.sync({ timeout: 10_000 });
    expect((await messages(left)).status).toBe(200);
  });
});
