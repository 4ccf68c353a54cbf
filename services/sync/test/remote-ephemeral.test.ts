import { BUSES } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

const CAROL = '@carol:far.test';
const NOWHERE = '!nowhere:far.test';

describe.each(BUSES)('what another server tells of its users, on the %s bus,', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: [Replica, Replica];
  let alice: Person;
  let roomId: string;
  let eventId: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());

  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]);
    roomId = await deployment.rooms.create(alice.userId);
    eventId = await deployment.rooms.say(roomId, alice.userId, 'Hello');
    await alice.sees(roomId, eventId);
  });

  const ephemeral = () => replicas[1].server.remoteEphemeral;

  it('is who types, until they do no more', async () => {
    const tell = (typing: boolean) =>
      ephemeral().setTyping({
        typing: [
          { roomId: NOWHERE, userId: CAROL, typing },
          { roomId, userId: CAROL, typing },
        ],
      });
    const typists = (...expected: string[]) =>
      alice.roomUntil(roomId, ({ ephemeral: { events } }) =>
        events.some(({ type, content }) => type === 'm.typing' && content.user_ids.join() === expected.join()),
      );
    await tell(true);
    await typists(CAROL);
    await tell(false);
    await typists();
  });

  it('is what they have read, of what is here', async () => {
    const receipt = { roomId, userId: CAROL, eventId, threadId: '', ts: 1_700_000_000_000 };
    const unknown = { ...receipt, eventId: `$${'y'.repeat(43)}` };
    await ephemeral().putReceipts({ receipts: [{ ...receipt, roomId: NOWHERE }, unknown, receipt, receipt] });
    const room = await alice.roomUntil(roomId, ({ ephemeral: { events } }) =>
      events.some(({ type }) => type === 'm.receipt'),
    );
    expect(room.ephemeral.events).toEqual([
      { type: 'm.receipt', content: { [eventId]: { 'm.read': { [CAROL]: { ts: 1_700_000_000_000 } } } } },
    ]);
  });
});
