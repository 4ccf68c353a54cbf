import { BUSES, eventually } from '@ganglion/testing';
import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';
import type { NewEvent } from './support/rooms.js';

const TIMEOUT_MS = 60_000;

describe.each(BUSES)('rooms of which something was purged, on the %s bus', (_, makeBus) => {
  let deployment: Deployment;
  let replicas: Replica[];
  let alice: Person;
  let roomId: string;

  beforeAll(async () => {
    deployment = await Deployment.create(makeBus);
    replicas = [await deployment.start(), await deployment.start()];
  });
  afterAll(() => deployment.close());
  beforeEach(async () => {
    alice = deployment.person('alice', replicas[0]!);
    roomId = await deployment.rooms.create(alice.userId);
  });

  const message = (body: string): NewEvent => {
    return { type: 'm.room.message', sender: alice.userId, content: { body } };
  };

  /** The events of the room in the read model, by number. */
  async function timeline(): Promise<number[]> {
    const { rows } = await deployment.db.query<{ event_nid: number }>({
      text: `SELECT event_nid FROM sync.timeline JOIN sync.rooms USING (room_nid) WHERE room_id = $1 ORDER BY sync.timeline.position`,
      values: [roomId],
    });
    return rows.map(({ event_nid }) => event_nid);
  }

  const logged = () => deployment.rooms.log(roomId).map(({ eventNid }) => eventNid);

  it('are appended whole where the log has no more than that', async () => {
    const events = deployment.rooms.append(
      roomId,
      Array.from({ length: 450 }, (__, index) => message(`${index}`)),
    );
    deployment.rooms.purge(
      roomId,
      events.filter((__, index) => index % 5 !== 0).map(({ eventId }) => eventId),
    );
    await alice.sees(roomId, await deployment.rooms.say(roomId, alice.userId, 'Last'));
    expect(await timeline()).toEqual(logged());
  });

  it(
    'lose it at every replica, and go on',
    async () => {
      const gone = await deployment.rooms.commit(roomId, [message('secret one'), message('secret two')]);
      const last = await deployment.rooms.say(roomId, alice.userId, 'Last');
      const readers = replicas.map(({ url }) => alice.with({ url }));
      const read = async (reader: Person) => {
        const page = await reader.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`);
        return JSON.stringify([page.body, (await reader.call('GET', 'sync')).body]);
      };
      for (const reader of readers) {
        await reader.sees(roomId, last);
        expect(await read(reader)).toContain('secret two');
      }
      // In pieces, as they come, and one that names what is not there.
      for (const eventId of gone) deployment.rooms.purge(roomId, [eventId]);
      deployment.rooms.purge(roomId, ['$none']);
      for (const reader of readers) {
        await eventually(async () => expect(await read(reader)).not.toContain('secret'), TIMEOUT_MS);
        expect(await read(reader)).toContain('Last');
      }
      const next = await deployment.rooms.say(roomId, alice.userId, 'Next');
      for (const reader of readers) await reader.sees(roomId, next);
      expect(await timeline()).toEqual(logged());
    },
    TIMEOUT_MS,
  );

  it(
    'lose it when the appender changes in the middle',
    async () => {
      const bodies = Array.from({ length: 40 }, (__, index) => message(`secret ${index}`));
      const gone = await deployment.rooms.commit(roomId, bodies);
      const last = await deployment.rooms.say(roomId, alice.userId, 'Last');
      await alice.sees(roomId, last);
      for (const eventId of gone) deployment.rooms.purge(roomId, [eventId]);
      for (let round = 0; round < 2; round++) {
        const [first, second] = replicas as [Replica, Replica];
        await first.stop();
        replicas = [second, await deployment.start()];
      }
      await eventually(async () => expect(await timeline()).toEqual(logged()), TIMEOUT_MS);
    },
    TIMEOUT_MS,
  );
});
