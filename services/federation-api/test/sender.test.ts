import { eventually } from '@ganglion/testing';
import { type Destination, Sending } from './support/sending.js';

const ANNA = '@anna:ours.example';
const DAY_MS = 24 * 3_600_000;
let sending: Sending;
let far: Destination;
let roomId: string;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());
beforeEach(async () => {
  far = await sending.destination();
  roomId = sending.rooms.create(far.name);
});
afterEach(() => sending.stopAll());

const soon = (expectations: () => unknown) => eventually(expectations, 90_000);
const LONG_MS = 120_000;
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const texts = (from: number, to: number) => range(from, to).map((n) => `event ${n}`);
const update = (set: string, names = [far.name]) =>
  sending.db.query({
    text: `UPDATE federation_api.destinations SET ${set} WHERE server_name = ANY($1)`,
    values: [names],
  });

function say(...bodies: string[]): void {
  for (const body of bodies) sending.rooms.say(roomId, body);
}

/** The server is away until the returned function is called. */
function away(): () => void {
  far.answering = () => ({ status: 503, body: {} });
  return () => {
    far.answering = () => ({ pdus: {} });
  };
}

async function fallsBehind(): Promise<void> {
  await soon(async () => {
    await sending.retryNow(far);
    expect(await sending.destinations([far.name])).toMatchObject([{ isBehind: true }]);
  });
}

it(
  'a replica that dies in the middle of a transaction leaves it to another, under the same id, and nothing is lost',
  async () => {
    const unanswered = Promise.withResolvers<{ pdus: object }>();
    far.answering = () => unanswered.promise as never;
    const first = await sending.start();
    say('one', 'two');
    sending.mailbox.post(ANNA, far.name, { '@a:far': { ONE: { n: 1 } } });
    await soon(() => expect(far.given).toHaveLength(1));
    await first.kill();
    far.answering = () => ({ pdus: {} });
    await sending.start();
    say('three');
    await update("leased_until = '-infinity'");
    await soon(() => {
      expect(far.bodiesSince(1)).toEqual(['one', 'two', 'three']);
      expect(far.edus('m.direct_to_device').at(-1)).toMatchObject({ messages: { '@a:far': { ONE: { n: 1 } } } });
    });
    expect(far.given[1]).toEqual(far.given[0]);
    const later = far.given.slice(2).map(({ txnId }) => txnId);
    expect(later).not.toContain(far.given[0]!.txnId);
    expect(new Set(later).size).toBe(later.length);
    unanswered.resolve({ pdus: {} });
  },
  LONG_MS,
);

it(
  'what is said goes on to others while a room-server of the release before is still there',
  async () => {
    sending.rooms.isOld = true;
    await sending.start();
    say('one', 'two');
    await soon(() => expect(far.bodiesSince(0)).toEqual(['one', 'two']));
    sending.rooms.isOld = false;
    say('three');
    await soon(() => expect(far.bodiesSince(0)).toEqual(['one', 'two', 'three']));
  },
  LONG_MS,
);

it(
  'a replica that ends does not wait for a server that never answers, and another goes on under the same id',
  async () => {
    const unanswered = Promise.withResolvers<never>();
    far.answering = () => unanswered.promise;
    const first = await sending.start();
    say('one');
    await soon(() => expect(far.given).toHaveLength(1));
    await first.stop();
    far.answering = () => ({ pdus: {} });
    await sending.start();
    await soon(() => expect(far.given).toHaveLength(2));
    expect(far.given[1]).toEqual(far.given[0]);
    expect(await sending.destinations([far.name])).toMatchObject([{ failures: 0 }]);
  },
  LONG_MS,
);

it(
  'two replicas share the work, and each server gets each event once, in order',
  async () => {
    const others = await Promise.all(range(0, 11).map(() => sending.destination()));
    sending.rooms.setServers(roomId, far.name, ...others.map(({ name }) => name));
    await Promise.all([sending.start(), sending.start()]);
    for (const body of texts(0, 60)) say(body);
    await soon(() => {
      for (const each of [far, ...others]) expect(each.bodies).toEqual(texts(0, 60));
    });
  },
  LONG_MS,
);

it(
  'hundreds of servers that are gone cost nothing more, and keep nobody waiting',
  async () => {
    // Nobody listens on ports that low.
    const gone = range(1, 301)
      .map((port) => `127.0.0.1:${port}`)
      .toSorted();
    sending.rooms.setServers(roomId, far.name, ...gone);
    await sending.start();
    say('one');
    await soon(() => expect(far.bodies).toEqual(['one']));
    await update('failures = greatest(failures, 5), retry_at = now()', gone);
    await soon(async () => {
      const rows = await sending.destinations(gone);
      expect(rows.filter(({ isBehind, waitMs }) => isBehind && waitMs > 0)).toHaveLength(300);
    });
    const before = await sending.destinations(gone);
    for (const body of texts(0, 20)) say(body);
    await soon(() => expect(far.bodies.slice(1)).toEqual(texts(0, 20)));
    const after = await sending.destinations(gone);
    expect(after.map(({ failures }) => failures)).toEqual(before.map(({ failures }) => failures));
    expect(after.every(({ pdus, rooms }) => pdus === 0 && rooms === 1)).toBe(true);
  },
  LONG_MS,
);

it(
  'servers that never answer keep back none of those that do',
  async () => {
    const hanging = await Promise.all(range(0, 30).map(() => sending.destination()));
    const unanswered = Promise.withResolvers<never>();
    for (const each of hanging) each.answering = () => unanswered.promise;
    sending.rooms.setServers(roomId, far.name, ...hanging.map(({ name }) => name));
    await sending.start();
    say('one');
    await soon(() => {
      expect(hanging.every(({ given }) => given.length === 1)).toBe(true);
      expect(far.bodies).toEqual(['one']);
    });
    for (const body of texts(0, 5)) say(body);
    await soon(() => expect(far.bodies.slice(1)).toEqual(texts(0, 5)));
  },
  LONG_MS,
);

it(
  'a server is left alone for longer each time, a day at most, until something is heard of it',
  async () => {
    const back = away();
    const { sender } = await sending.start();
    say('one');
    await soon(async () => expect((await sending.destinations([far.name]))[0]?.failures).toBeGreaterThan(0));
    await update('failures = 39, retry_at = now()');
    await soon(async () => {
      const [row] = await sending.destinations([far.name]);
      expect(row).toMatchObject({ failures: 40, isBehind: true });
      expect(row!.waitMs).toBeLessThanOrEqual(DAY_MS);
      expect(row!.waitMs).toBeGreaterThan(0.79 * DAY_MS);
    });
    back();
    const given = far.given.length;
    sender.heardOf(far.name);
    await soon(() => expect(far.bodiesSince(given)).toEqual(['one']));
    await soon(async () => {
      expect(await sending.destinations([far.name])).toMatchObject([{ failures: 0, isBehind: false }]);
    });
  },
  LONG_MS,
);

it(
  'who was away for long gets the last event of each room once, and then what comes',
  async () => {
    const rooms = [roomId, sending.rooms.create(far.name), sending.rooms.create(far.name)];
    const back = away();
    await sending.start();
    for (const room of rooms) sending.rooms.say(room, 'before');
    await fallsBehind();
    for (const room of rooms) for (const body of texts(0, 300)) sending.rooms.say(room, `${body} of ${room}`);
    await soon(async () => {
      const text = 'SELECT room_seq FROM federation_api.missed_rooms WHERE server_name = $1';
      const { rows } = await sending.db.query({ text, values: [far.name] });
      expect(rows).toEqual(rooms.map(() => ({ room_seq: 301 })));
    });
    const given = far.given.length;
    back();
    await soon(async () => {
      await sending.retryNow(far);
      expect(await sending.destinations([far.name])).toMatchObject([{ isBehind: false, hasWork: false }]);
    });
    say('and now');
    await soon(() => expect(far.bodies.at(-1)).toBe('and now'));
    const caughtUp = rooms.map((room) => `event 299 of ${room}`);
    expect(far.bodiesSince(given).toSorted()).toEqual(['and now', ...caughtUp].toSorted());
  },
  LONG_MS,
);

it(
  'what is queued outlasts a restart',
  async () => {
    const back = away();
    const first = await sending.start();
    say('one', 'two');
    await soon(() => expect(far.given.length).toBeGreaterThan(0));
    await first.stop();
    say('three');
    back();
    const given = far.given.length;
    await sending.start();
    await soon(async () => {
      await sending.retryNow(far);
      expect(far.bodiesSince(given)).toEqual(['one', 'two', 'three']);
    });
  },
  LONG_MS,
);

it(
  'a server that has left the room gets nothing of what is said then',
  async () => {
    await sending.start();
    say('one');
    await soon(() => expect(far.bodies).toEqual(['one']));
    const other = await sending.destination();
    sending.rooms.setServers(roomId, other.name);
    say('two');
    await soon(() => expect(other.bodies).toEqual(['two']));
    expect(far.bodies).toEqual(['one']);
  },
  LONG_MS,
);

it(
  'a server that the operator has denied meanwhile gets nothing of what waits for it',
  async () => {
    const other = await sending.destination('127.0.0.3');
    sending.rooms.setServers(roomId, far.name, other.name);
    other.answering = () => ({ status: 503, body: {} });
    const first = await sending.start();
    say('one');
    await soon(() => expect(other.given.length).toBeGreaterThan(0));
    await first.stop();
    const given = other.given.length;
    await sending.start({ denied_domains: ['127.0.0.3'] });
    say('two');
    await soon(async () => {
      await sending.retryNow(far);
      expect(far.bodies).toEqual(['one', 'two']);
      expect(await sending.destinations([other.name])).toMatchObject([{ pdus: 0, hasWork: false }]);
    });
    expect(other.given).toHaveLength(given);
  },
  LONG_MS,
);

it(
  'who comes is told nothing of what was said before, and who is put out gets all that was, however late it is read',
  async () => {
    const [late, gone] = [await sending.destination('127.0.0.2'), await sending.destination('127.0.0.3')];
    const carl = `@carl:${gone.name}`;
    const came = sending.rooms.join(roomId, carl);
    const first = await sending.start();
    say('first');
    sending.rooms.count(roomId, { [far.name]: 1, [gone.name]: 1 });
    await soon(() => expect(gone.bodies).toEqual(['first']));
    await first.stop();
    say('before');
    sending.rooms.ban(roomId, carl, [came]);
    say('between');
    const dora = sending.rooms.join(roomId, `@dora:${late.name}`);
    say('after');
    // Nobody new comes by this.
    sending.rooms.join(roomId, `@dora:${late.name}`, [dora]);
    sending.rooms.count(roomId, { [far.name]: 1, [late.name]: 1 });
    await sending.start();
    await soon(() => expect(far.bodies).toEqual(expect.arrayContaining(['before', 'between', 'after'])));
    await soon(() => {
      expect(late.bodies.filter((body) => body !== undefined)).toEqual(['after']);
      expect(gone.bodies.filter((body) => body !== undefined)).toEqual(['first', 'before']);
    });
  },
  LONG_MS,
);

it(
  'what is said while a transaction is on its way follows at once',
  async () => {
    let answer = Promise.withResolvers<{ pdus: object }>();
    far.answering = () => answer.promise as never;
    await sending.start();
    say('one');
    await soon(() => expect(far.bodies).toEqual(['one']));
    say('two');
    await soon(async () => expect((await sending.destinations([far.name]))[0]?.pdus).toBe(2));
    const before = answer;
    answer = Promise.withResolvers();
    answer.resolve({ pdus: {} });
    before.resolve({ pdus: {} });
    await soon(() => expect(far.bodies).toEqual(['one', 'two']));
    await soon(async () => {
      expect(await sending.destinations([far.name])).toMatchObject([{ pdus: 0, hasWork: false }]);
    });
  },
  LONG_MS,
);
