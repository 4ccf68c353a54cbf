import { eventually } from '@ganglion/testing';
import { type Destination, Sending } from './support/sending.js';

const ANNA = '@anna:ours.example';
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

function say(...bodies: string[]): void {
  for (const body of bodies) sending.rooms.say(roomId, body);
}

it(
  'what a server refuses time and again keeps back nothing of what follows, and takes nothing else with it',
  async () => {
    const taken: unknown[] = [];
    far.answering = ({ pdus, edus }) => {
      const said = [
        ...pdus.map(({ content }) => (content as { body?: string }).body),
        ...edus.map(({ content }) => content.messages),
      ].map((each) => JSON.stringify(each));
      if (said.some((each) => each?.includes('bad'))) {
        return { status: 400, body: { errcode: 'M_BAD_JSON', error: 'no' } };
      }
      taken.push(...said);
      return { pdus: {} };
    };
    const message = (n: string) => ({ '@a:far': { ONE: { n } } });
    const other = sending.rooms.create(far.name);
    say('bad');
    sending.rooms.say(other, 'good');
    for (const n of ['first', 'bad', 'last']) sending.mailbox.post(ANNA, far.name, message(n));
    const { sender } = await sending.start();
    await soon(() => expect(far.given.length).toBeGreaterThan(0));
    expect(taken).toEqual([]);
    const expected = ['"good"', JSON.stringify(message('first')), JSON.stringify(message('last'))].sort();
    await soon(async () => {
      // It lives, and talks to us all the time.
      sender.heardOf(far.name);
      await sending.retryNow(far);
      expect(taken.toSorted()).toEqual(expected);
    });
    say('more');
    await soon(async () => {
      await sending.retryNow(far);
      expect(taken.at(-1)).toBe('"more"');
    });
  },
  LONG_MS,
);

it(
  'a server that forbids us to send gets everything when it allows it again',
  async () => {
    far.answering = () => ({ status: 403, body: { errcode: 'M_FORBIDDEN', error: 'not yet' } });
    await sending.start();
    say('one');
    sending.mailbox.post(ANNA, far.name, { '@a:far': { ONE: { n: 1 } } });
    await soon(async () => {
      await sending.retryNow(far);
      expect(far.given.length).toBeGreaterThan(2);
    });
    const refused = far.given.length;
    far.answering = () => ({ pdus: {} });
    await soon(async () => {
      await sending.retryNow(far);
      expect(far.bodiesSince(refused)).toEqual(['one']);
      expect(far.given.slice(refused).flatMap(({ edus }) => edus)).toHaveLength(1);
    });
  },
  LONG_MS,
);

it(
  'a server that answers with what is no answer is given the same again',
  async () => {
    const answers = [
      { status: 200, body: '<html>Welcome</html>' },
      { status: 302, body: {} },
      { status: 200, body: [] },
    ];
    far.answering = () => (answers.shift() ?? { pdus: {} }) as never;
    await sending.start();
    say('one');
    await soon(async () => {
      await sending.retryNow(far);
      expect(far.given).toHaveLength(4);
    });
    await soon(async () => {
      expect(await sending.destinations([far.name])).toMatchObject([{ pdus: 0, failures: 0, hasWork: false }]);
    });
    expect(new Set(far.given.map(({ txnId }) => txnId)).size).toBe(1);
    say('two');
    await soon(() => expect(far.bodies.at(-1)).toBe('two'));
  },
  LONG_MS,
);
