import { Deployment } from './support/deployment.js';
import type { Person } from './support/person.js';

const CAROL = '@carol:far.test';

let deployment: Deployment;
let alice: Person;
let roomId: string;

beforeAll(async () => {
  deployment = await Deployment.create();
});
afterAll(() => deployment.close());

beforeEach(async () => {
  alice = deployment.person('alice', await deployment.start());
  roomId = await deployment.rooms.create(alice.userId, CAROL);
  await alice.sees(roomId, await deployment.rooms.say(roomId, alice.userId, 'Seen'));
});

const said = (sender: string, body: string, depth?: number) =>
  deployment.rooms.send(roomId, { type: 'm.room.message', sender, content: { body }, ...(depth && { depth }) });

interface Told {
  readonly timeline: {
    readonly limited: boolean;
    readonly prev_batch: string;
    readonly events: readonly { readonly content: { readonly body?: string } }[];
  };
}

async function told(person: Person): Promise<Told['timeline']> {
  const { rooms } = await person.sync();
  return (rooms.join[roomId] as Told).timeline;
}
const bodies = ({ events }: Told['timeline']) => events.map(({ content }) => content.body);

/** What a device that is as far as this one is told once an event has come. */
async function after(eventId: string): Promise<Told['timeline']> {
  const [watching, late] = [alice.with({}), alice.with({})];
  [watching.since, late.since] = [alice.since, alice.since];
  await watching.sees(roomId, eventId);
  return told(late);
}

it('what was said before something that is missing is not told along with what came after it', async () => {
  await said(alice.userId, 'Before');
  await said(CAROL, 'After', 900);
  const timeline = await after(await said(CAROL, 'Last', 901));
  expect([bodies(timeline), timeline.limited]).toEqual([['After', 'Last'], true]);
  const path = `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1&from=${timeline.prev_batch}`;
  const { body } = await alice.call('GET', path);
  expect(body.chunk[0].content.body).toBe('Before');
});

it('what comes after something that is missing is told so, also to who has seen all that was before', async () => {
  const timeline = await after(await said(CAROL, 'After', 900));
  expect([bodies(timeline), timeline.limited]).toEqual([['After'], true]);
});

it('what was sent at once by others, or late, leaves no gap', async () => {
  const depth = deployment.rooms.log(roomId).length;
  await said(CAROL, 'One', depth + 1);
  await said(alice.userId, 'Two', depth + 1);
  await said(CAROL, 'Late', depth - 1);
  const timeline = await after(await said(alice.userId, 'Three', depth + 2));
  expect([bodies(timeline), timeline.limited]).toEqual([['One', 'Two', 'Late', 'Three'], false]);
});
