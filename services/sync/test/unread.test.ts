import { Deployment, type Replica } from './support/deployment.js';
import type { JoinedRoom, Person } from './support/person.js';

const BY_THREAD = { room: { timeline: { unread_thread_notifications: true } } };

/** `<notifications>/<highlights>`, with those of threads by the names of their roots. */
function countsIn(room: JoinedRoom | undefined, names: Record<string, string> = {}): string {
  const text = (counts: object | undefined) => {
    const { notification_count, highlight_count } = counts as Record<string, number>;
    return `${notification_count}/${highlight_count}`;
  };
  const threads = Object.entries(room?.unread_thread_notifications ?? {});
  return [
    text(room?.unread_notifications),
    ...threads.map(([threadId, counts]) => `${names[threadId] ?? threadId} ${text(counts)}`),
  ].join(', ');
}

describe('unread notifications', () => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    bob = deployment.person('bob', replicas[1]);
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    await bob.roomUntil(roomId, ({ timeline }) => timeline.events.length > 0);
  });

  const say = (body: string, content?: object) => deployment.rooms.say(roomId, alice.userId, body, content);
  const mention = (person: Person) => ({ 'm.mentions': { user_ids: [person.userId] } });
  const relate = (rel_type: string, event_id: string) => ({ 'm.relates_to': { rel_type, event_id } });
  /** The counts of a device that has not synced before, at each replica. */
  const countsNow = async (person = bob, names: Record<string, string> = {}, filter: object = {}) => {
    const rooms = replicas.map(({ url }) => person.with({ url, deviceId: 'NEW' }).room(roomId, { filter }));
    const [one, other] = (await Promise.all(rooms)).map((room) => countsIn(room, names));
    expect(other).toBe(one);
    return one;
  };
  const untilCounts = (person: Person, counts: string) => person.roomUntil(roomId, (room) => countsIn(room) === counts);
  const changeRules = (changes: object) => deployment.users.set(bob.userId, 'm.push_rules', changes);

  it('count what others have said since one joined, and who is mentioned', async () => {
    expect(countsIn(await bob.with({ deviceId: 'NEW' }).room(roomId))).toBe('0/0');
    const first = await say('Hello');
    expect(countsIn(await bob.sees(roomId, first))).toBe('1/0');
    const second = await say('Bob?', mention(bob));
    expect(countsIn(await bob.sees(roomId, second))).toBe('2/1');
    expect(countsIn(await alice.sees(roomId, second))).toBe('0/0');
    expect(await countsNow()).toBe('2/1');
  });

  it('do not count what no rule notifies of', async () => {
    await say('a notice', { msgtype: 'm.notice' });
    const text = await say('a message');
    await say('* an edit', relate('m.replace', text));
    await deployment.rooms.send(roomId, {
      type: 'm.reaction',
      sender: alice.userId,
      content: relate('m.annotation', text),
    });
    await deployment.rooms.send(roomId, { type: 'm.room.topic', sender: alice.userId, stateKey: '', content: {} });
    const last = await say('another');
    await bob.sees(roomId, last);
    expect(await countsNow()).toBe('2/0');
  });

  it('end with a receipt, public or private, whichever is further', async () => {
    const events = [await say('one'), await say('two'), await say('three', mention(bob))];
    await bob.sees(roomId, events[2]!);
    await bob.read(roomId, events[0]!);
    await untilCounts(bob, '2/1');
    await bob.read(roomId, events[1]!, undefined, 'm.read.private');
    await untilCounts(bob, '1/1');
    await bob.read(roomId, events[1]!);
    await bob.read(roomId, events[2]!);
    await untilCounts(bob, '0/0');
    expect(await countsNow()).toBe('0/0');
  });

  it('end on all devices, wherever they are and whatever their filter', async () => {
    const eventId = await say('one');
    const other = bob.with({ url: replicas[0].url, deviceId: 'OTHER' });
    await Promise.all([bob.sees(roomId, eventId), other.sees(roomId, eventId)]);
    await bob.read(roomId, eventId);
    const filter = { room: { ephemeral: { types: [] } } };
    const room = await other.roomUntil(roomId, (room) => countsIn(room) === '0/0', { filter });
    expect(room.ephemeral.events).toEqual([]);
  });

  it('end with a message of one’s own', async () => {
    await say('one');
    const own = await deployment.rooms.say(roomId, bob.userId, 'Hm');
    expect(countsIn(await bob.sees(roomId, own))).toBe('0/0');
    await say('two');
    expect(await untilCounts(bob, '1/0')).toBeDefined();
    expect(await countsNow()).toBe('1/0');
  });

  it('are told for each thread when the filter asks for it', async () => {
    const root = await say('A');
    const inThread = [await say('B', relate('m.thread', root))];
    inThread.push(await say('C', { ...relate('m.thread', root), ...mention(bob) }));
    const main = await say('D', mention(bob));
    inThread.push(await say('E', relate('m.thread', root)));
    const last = await say('F', relate('m.reference', root));
    await bob.sees(roomId, last);
    const expectCounts = async (all: string, byThread: string) => {
      await untilCounts(bob.with({ deviceId: 'NEW' }), all);
      expect(await countsNow()).toBe(all);
      expect(await countsNow(bob, { [root]: 'thread' }, BY_THREAD)).toBe(byThread);
    };
    await expectCounts('6/2', '3/1, thread 3/1');
    await bob.read(roomId, root, 'main');
    await untilCounts(bob, '5/2');
    await expectCounts('5/2', '2/1, thread 3/1');
    await bob.read(roomId, inThread[0]!, root);
    await untilCounts(bob, '4/2');
    await expectCounts('4/2', '2/1, thread 2/1');
    await bob.read(roomId, main);
    await untilCounts(bob, '2/0');
    await expectCounts('2/0', '1/0, thread 1/0');
    await bob.read(roomId, inThread[2]!, root);
    await untilCounts(bob, '1/0');
    await expectCounts('1/0', '1/0');
  });

  it('follow the rules that a user has changed', async () => {
    await changeRules({
      predefined: { '.m.rule.message': { enabled: false }, '.m.rule.room_one_to_one': { enabled: false } },
    });
    await bob.sync({ timeout: 5_000 });
    await say('one');
    const second = await say('two', mention(bob));
    expect(countsIn(await bob.sees(roomId, second))).toBe('1/1');
    const keyword = { rule_id: 'tea', enabled: true, pattern: 'tea', actions: ['notify', { set_tweak: 'highlight' }] };
    await changeRules({ own: { content: [keyword] } });
    await bob.sync({ timeout: 5_000 });
    const third = await say('time for tea');
    expect(countsIn(await bob.sees(roomId, third))).toBe('3/2');
    await changeRules({ own: { room: [{ rule_id: roomId, enabled: true, actions: [] }] } });
    await bob.sync({ timeout: 5_000 });
    const fourth = await say('four');
    expect(countsIn(await bob.sees(roomId, fourth))).toBe('1/1');
  });

  it('follow rules on display names, power and the number of members', async () => {
    const name = { kind: 'contains_display_name' };
    const everybody = { kind: 'sender_notification_permission', key: 'room' };
    const pair = { kind: 'room_member_count', is: '2' };
    const rule = (rule_id: string, ...conditions: object[]) => ({
      ...{ rule_id, enabled: true, conditions },
      actions: ['notify', { set_tweak: 'highlight' }],
    });
    await changeRules({
      own: {
        override: [
          rule('name', name),
          rule('all', everybody, { kind: 'event_match', key: 'content.body', pattern: 'all' }),
        ],
        underride: [rule('pair', pair, { kind: 'event_match', key: 'content.body', pattern: 'us' })],
      },
    });
    const member = { type: 'm.room.member', sender: bob.userId, stateKey: bob.userId };
    await deployment.rooms.send(roomId, { ...member, content: { membership: 'join', displayname: 'Robert' } });
    await say('Robert there?');
    await say('you all');
    const last = await say('both of us');
    expect(countsIn(await bob.sees(roomId, last))).toBe('3/3');
    const carol = deployment.person('carol', replicas[0]);
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    await deployment.rooms.say(roomId, carol.userId, 'you all');
    const more = await deployment.rooms.say(roomId, carol.userId, 'three of us');
    expect(countsIn(await bob.sees(roomId, more))).toBe('5/3');
  });

  it('highlight a mention of the room by who may', async () => {
    const all = { 'm.mentions': { room: true } };
    const second = await say('Everybody!', all);
    expect(countsIn(await bob.sees(roomId, second))).toBe('1/1');
    const reply = await deployment.rooms.say(roomId, bob.userId, 'Everybody?', all);
    expect(countsIn(await alice.sees(roomId, reply))).toBe('1/0');
  });

  it('leave out who is ignored, what was redacted and what came before one joined', async () => {
    const carol = deployment.person('carol', replicas[0]);
    await say('before');
    await deployment.rooms.setMembership(roomId, carol.userId, 'join');
    const spam = await deployment.rooms.say(roomId, bob.userId, 'spam');
    const bad = await say('bad');
    const good = await say('good');
    expect(countsIn(await carol.sees(roomId, good))).toBe('3/0');
    const redaction = { type: 'm.room.redaction', sender: alice.userId, content: { redacts: bad } };
    const eventId = await deployment.rooms.send(roomId, { ...redaction, redacts: bad });
    expect(countsIn(await carol.sees(roomId, eventId))).toBe('2/0');
    await deployment.users.set(carol.userId, 'm.ignored_user_list', { ignored_users: { [bob.userId]: {} } });
    await carol.sync({ timeout: 5_000 });
    expect(await countsNow(carol)).toBe('1/0');
    await carol.read(roomId, spam);
    expect(await untilCounts(carol, '1/0')).toBeDefined();
  });

  it('begin anew when one comes back', async () => {
    const first = await say('one');
    expect(countsIn(await bob.sees(roomId, first))).toBe('1/0');
    await deployment.rooms.setMembership(roomId, bob.userId, 'leave');
    await say('two');
    await deployment.rooms.setMembership(roomId, bob.userId, 'join');
    const third = await say('three');
    expect(countsIn(await bob.sees(roomId, third))).toBe('1/0');
    expect(await countsNow()).toBe('1/0');
  });

  it('go on while one reads nothing, with every answer', async () => {
    for (let i = 1; i <= 30; i++) {
      const eventId = await say(`message ${i}`);
      expect(countsIn(await bob.sees(roomId, eventId))).toBe(`${i}/0`);
    }
    expect(await countsNow()).toBe('30/0');
  });

  it('reach further back than what is in memory', async () => {
    const many = 70;
    for (let i = 0; i < many; i++) await say(`message ${i}`, i === 3 ? mention(bob) : {});
    await bob.roomUntil(roomId, (room) => countsIn(room) === `${many}/1`);
    const third = await deployment.start();
    const changed = deployment.person('dora', third);
    expect(countsIn(await bob.with({ url: third.url, deviceId: 'NEW' }).room(roomId))).toBe(`${many}/1`);
    await changeRules({ own: { sender: [{ rule_id: changed.userId, enabled: true, actions: [] }] } });
    await bob.sync({ timeout: 5_000 });
    expect(countsIn(await bob.with({ url: third.url, deviceId: 'NEW' }).room(roomId))).toBe(`${many}/1`);
    await third.stop();
  });

  it('go on from one’s joining when only the name has changed since', async () => {
    const member = { type: 'm.room.member', sender: bob.userId, stateKey: bob.userId };
    await say('one');
    await deployment.rooms.send(roomId, { ...member, content: { membership: 'join', displayname: 'Bob' } });
    for (let i = 0; i < 45; i++) await say(`message ${i}`);
    const last = await deployment.rooms.send(roomId, { ...member, content: { membership: 'join', displayname: 'B' } });
    await bob.sees(roomId, last);
    const third = await deployment.start();
    expect(countsIn(await bob.with({ url: third.url, deviceId: 'NEW' }).room(roomId))).toBe('46/0');
    await third.stop();
  });
});

describe('unread notifications of threads, where it matters who follows them', () => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let bob: Person;
  let roomId: string;
  let root: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    const roomSettings = { thread_subscriptions: true };
    replicas = [await deployment.start({ roomSettings }), await deployment.start({ roomSettings })];
  });
  afterAll(() => deployment.close());
  beforeEach(async () => {
    [alice, bob] = [deployment.person('alice', replicas[0]), deployment.person('bob', replicas[1])];
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    root = await deployment.rooms.say(roomId, alice.userId, 'root');
    await bob.sees(roomId, root);
  });

  const reply = (body: string, more: object = {}) =>
    deployment.rooms.say(roomId, alice.userId, body, {
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
      ...more,
    });
  /** At each replica, for a device that has not synced before. */
  const counts = async () => {
    const ask = ({ url }: Replica) => bob.with({ url, deviceId: 'NEW' }).room(roomId, { filter: BY_THREAD });
    const [one, other] = await Promise.all(replicas.map(ask));
    expect(countsIn(other, { [root]: 'thread' })).toBe(countsIn(one, { [root]: 'thread' }));
    return countsIn(one, { [root]: 'thread' });
  };
  const follow = async (method: 'PUT' | 'DELETE') => {
    const path = [roomId, 'thread', root, 'subscription'].map(encodeURIComponent).join('/');
    const { status } = await bob.call(method, `../unstable/io.element.msc4306/rooms/${path}`, {});
    expect(status).toBe(200);
  };
  const changeRules = (changes: object) => deployment.users.set(bob.userId, 'm.push_rules', changes);
  const mentioned = () => ({ 'm.mentions': { user_ids: [bob.userId] } });

  it('count those alone that one follows, and what mentions one', async () => {
    await bob.sees(roomId, await reply('first'));
    expect(await counts()).toBe('1/0');
    await bob.sees(roomId, await reply('Bob?', mentioned()));
    expect(await counts()).toBe('1/0, thread 1/1');
    await follow('PUT');
    expect(await counts()).toBe('1/0, thread 2/1');
    await bob.sees(roomId, await reply('third'));
    expect(await counts()).toBe('1/0, thread 3/1');
    await follow('DELETE');
    expect(await counts()).toBe('1/0, thread 1/1');
    const { notifications } = (await bob.call('GET', 'notifications')).body;
    expect(notifications).toHaveLength(2);
  });

  it('count them in a room that is muted, and what is said beside them there does not', async () => {
    await follow('PUT');
    await changeRules({ own: { room: [{ rule_id: roomId, enabled: true, actions: [] }] } });
    await bob.sync({ timeout: 5_000 });
    await reply('in the thread');
    await bob.sees(roomId, await deployment.rooms.say(roomId, alice.userId, 'beside it'));
    expect(await counts()).toBe('0/0, thread 1/0');
  });

  it('are as ever for who has disabled the rules of threads, which /sync shows', async () => {
    const disabled = { enabled: false };
    const ids = ['unsubscribed', 'subscribed'].map((what) => `.io.element.msc4306.rule.${what}_thread`);
    await changeRules({ predefined: Object.fromEntries(ids.map((id) => [id, disabled])) });
    const { account_data } = await bob.sync({ timeout: 5_000 });
    const [rules] = account_data.events;
    expect(rules.content.global.postcontent).toMatchObject(ids.map((rule_id) => ({ rule_id, enabled: false })));
    await bob.sees(roomId, await reply('first'));
    expect(await counts()).toBe('1/0, thread 1/0');
  });
});
