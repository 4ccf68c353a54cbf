import { eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

/** As many events are lost as are said before it is taken back; more follow, at the same positions and beyond. */
const LOST = 3;
const FOLLOWING = 6;

describe('while the database is taken back to an earlier state, as by a standby that lacked the last of it', () => {
  let deployment: Deployment;
  let replicas: Replica[];
  let alice: Person;
  let bob: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create();
    replicas = [await deployment.start(), await deployment.start()];
    alice = deployment.person('alice', replicas[0]!);
    bob = deployment.person('bob', replicas[1]!);
    roomId = await deployment.rooms.create(alice.userId, bob.userId);
    await bob.sees(roomId, await deployment.rooms.say(roomId, alice.userId, 'Before'));
  });
  afterAll(() => deployment.close());

  const say = async (body: string) => deployment.rooms.say(roomId, alice.userId, body);

  async function takeBack(): Promise<void> {
    await deployment.db.transaction(async (tx) => {
      await tx.query({
        text: 'UPDATE sync.rooms SET room_seq = room_seq - $2, position = position - $2 WHERE room_id = $1',
        values: [roomId, LOST],
      });
      await tx.query({ text: 'UPDATE sync.appender SET position = position - $1', values: [LOST] });
      await tx.query({ text: 'DELETE FROM sync.timeline WHERE position > (SELECT position FROM sync.appender)' });
    });
    deployment.rooms.lose(roomId, LOST);
  }

  it('who waits, and who comes back later, is told everything that follows', async () => {
    const lost = [];
    for (let index = 0; index < LOST; index++) lost.push(await say(`lost ${index}`));
    await Promise.all([bob.sees(roomId, lost.at(-1)!), alice.sees(roomId, lost.at(-1)!)]);
    const told: string[] = [];
    const room = (answer: Awaited<ReturnType<Person['sync']>>) => answer.rooms.join[roomId]?.timeline.events ?? [];
    const listen = async (person: Person, timeout: number) => {
      for (const { event_id } of room(await person.sync({ timeout }))) told.push(event_id);
    };
    const waiting = listen(bob, 20_000);
    await eventually(async () => expect(await replicas[1]!.waiting()).toBe(1));
    await takeBack();
    const following: string[] = [];
    for (let index = 0; index < FOLLOWING; index++) following.push(await say(`following ${index}`));
    await waiting;
    while (!told.includes(following.at(-1)!)) await listen(bob, 20_000);
    expect(told.filter((eventId) => following.includes(eventId))).toEqual(following);
    expect(told).not.toContain(lost.at(-1));
    const next = await say('next');
    expect((await bob.sees(roomId, next)).timeline.events.map(({ event_id }) => event_id)).toEqual([next]);
  }, 60_000);
});
