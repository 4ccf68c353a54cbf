import { eventually } from '@ganglion/testing';
import { jest } from '@jest/globals';
import { type Destination, Sending } from './support/sending.js';

const LONG_MS = 120_000;
const SAID = 3;

let sending: Sending;
let far: Destination;
beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());
beforeEach(async () => {
  far = await sending.destination();
});
afterEach(() => sending.stopAll());

const soon = (expectations: () => unknown) => eventually(expectations, 90_000);

it(
  'what is said in a room of ours alone costs one note of how far it was read',
  async () => {
    const [ours, shared] = [sending.rooms.create(), sending.rooms.create(far.name)];
    const { db } = await sending.start();
    sending.rooms.say(shared, 'first');
    await soon(() => expect(far.bodies).toEqual(['first']));
    const query = jest.spyOn(db, 'query');
    const counted = (name: string) => query.mock.calls.filter(([statement]) => statement.name === name).length;
    for (let n = 1; n <= SAID; n++) {
      sending.rooms.say(ours, `event ${n}`);
      await soon(() => expect(counted('save-sender-rooms')).toBe(n));
    }
    expect(counted('save-sender-cursor')).toBe(0);
  },
  LONG_MS,
);

it(
  'whoever reads after one that died sends nothing twice, and leaves nothing out',
  async () => {
    const [ours, shared] = [sending.rooms.create(), sending.rooms.create(far.name)];
    const first = await sending.start();
    sending.rooms.say(shared, 'one');
    await soon(async () => {
      expect(far.bodies).toEqual(['one']);
      expect(await sending.destinations([far.name])).toMatchObject([{ pdus: 0, hasWork: false }]);
    });
    for (const body of ['aside', 'more aside']) sending.rooms.say(ours, body);
    await first.kill();
    sending.rooms.say(shared, 'two');
    await sending.start();
    await soon(() => expect(far.bodies).toEqual(['one', 'two']));
  },
  LONG_MS,
);
