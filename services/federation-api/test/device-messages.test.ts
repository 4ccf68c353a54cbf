import { eventually } from '@ganglion/testing';
import { type Destination, Sending } from './support/sending.js';

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

const ANNA = '@anna:ours.example';
const messageOf = (n: number) => ({ '@a:far': { ONE: { n } } });
const soon = (expectations: () => unknown) => eventually(expectations, 60_000);

function post(...numbers: number[]): void {
  for (const n of numbers) sending.mailbox.post(ANNA, far.name, messageOf(n));
}

/** The numbers of what has arrived, of each transaction by itself. */
function arrived(): number[][] {
  return far.given.map(({ edus }) =>
    edus.map(({ content }) => (content.messages as unknown as ReturnType<typeof messageOf>)['@a:far'].ONE.n),
  );
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

it('messages to devices arrive once each, in order, at most a hundred in a transaction', async () => {
  post(...range(0, 250));
  await sending.start();
  await soon(() => expect(arrived().flat()).toEqual(range(0, 250)));
  expect(Math.max(...arrived().map(({ length }) => length))).toBeLessThanOrEqual(100);
  expect(arrived().length).toBeLessThan(10);
  expect(far.edus('m.direct_to_device')[0]).toEqual({
    ...{ sender: ANNA, type: 'm.test', message_id: expect.any(String), messages: messageOf(0) },
  });
  expect(new Set(far.edus('m.direct_to_device').map(({ message_id }) => message_id)).size).toBe(250);
  expect(sending.mailbox.waiting).toEqual([]);
}, 90_000);

it('messages to devices outlast a destination that is away for long and a restart, and come before what was missed', async () => {
  let isAway = true;
  far.answering = () => (isAway ? { status: 503, body: {} } : { pdus: {} });
  const roomId = sending.rooms.create(far.name);
  const first = await sending.start();
  post(0, 1);
  sending.rooms.say(roomId, 'early');
  await soon(async () => {
    await sending.retryNow(far);
    const { rows } = await sending.db.query<{ is_behind: boolean }>({
      ...{ text: 'SELECT is_behind FROM federation_api.destinations WHERE server_name = $1', values: [far.name] },
    });
    expect(rows).toEqual([{ is_behind: true }]);
  });
  await first.stop();
  post(2);
  const given = far.given.length;
  isAway = false;
  await sending.start();
  await soon(async () => {
    await sending.retryNow(far);
    expect(arrived().slice(given).flat()).toEqual([0, 1, 2]);
    expect(far.bodiesSince(given)).toEqual(['early']);
  });
  const after = far.given.slice(given);
  const [firstEdus, firstPdus] = [
    after.findIndex(({ edus }) => edus.length > 0),
    after.findIndex(({ pdus }) => pdus.length > 0),
  ];
  expect(firstPdus).toBeGreaterThan(firstEdus);
}, 90_000);

it('a message whose owner could not be told that it is queued is not queued again', async () => {
  const { mailbox } = sending;
  const forget = mailbox.forgetLeavingDeviceMessages.bind(mailbox);
  let refused = 0;
  mailbox.forgetLeavingDeviceMessages = async (request) => {
    refused += 1;
    if (refused < 3) throw new Error('nobody is there');
    return forget(request);
  };
  post(0, 1);
  await sending.start();
  await soon(() => expect(mailbox.waiting).toEqual([]));
  await soon(() => expect(arrived().flat()).toEqual([0, 1]));
  post(2);
  await soon(() => expect(arrived().flat()).toEqual([0, 1, 2]));
}, 90_000);

it('messages for a server that we do not talk to go nowhere, and keep back no others', async () => {
  const other = await sending.destination('127.0.0.2');
  sending.mailbox.post(ANNA, other.name, messageOf(7));
  post(0);
  await sending.start({ denied_domains: ['127.0.0.2'] });
  await soon(() => expect(arrived().flat()).toEqual([0]));
  expect(sending.mailbox.waiting).toEqual([]);
  expect(other.given).toEqual([]);
}, 90_000);
