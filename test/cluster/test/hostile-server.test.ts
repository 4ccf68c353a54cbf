import { PduFate } from '@ganglion/contracts/room';
import { ready } from '@ganglion/protocol';
import { type ClientEvent, MatrixUser, SyncReader, startTestCluster, type TestCluster } from '@ganglion/testing';
import { ForeignServer } from './support/foreign-server.js';
import { type Hostile, MARK, malformed, messageOf, refused } from './support/hostile-pdus.js';

const { ACCEPTED, SOFT_FAILED, WAITING } = PduFate;

let cluster: TestCluster;

beforeAll(async () => {
  await ready();
  cluster = await startTestCluster({ settings: { server_names: [{ name: 'one.example' }] } });
}, 180_000);

afterAll(() => cluster?.close(), 60_000);

/** A room with members of ours, and with those of a server that sends whatever it likes. */
describe.each(['6', '10', '12'])(
  'what must never break when a server is hostile, in rooms of version %s',
  (version) => {
    let alice: MatrixUser;
    let bob: MatrixUser;
    let readers: readonly SyncReader[];
    let roomId: string;
    let server: ForeignServer;
    let mallory: string;
    let exile: string;
    /** The last event before the exile's ban, which is Alice's message. */
    let precious: string;
    /** The ids of what no client may see. */
    const unseen = new Set<string>();

    const prove = (name: string, run: () => Promise<void>) => it(name, () => cluster.explaining(run), 120_000);
    const inRoom = (what: string) => `rooms/${encodeURIComponent(roomId)}/${what}`;
    const join = (sender: string) => ({
      type: 'm.room.member',
      sender,
      state_key: sender,
      content: { membership: 'join' },
    });

    beforeAll(async () => {
      const users = ['alice', 'bob'].map((name) => MatrixUser.register(cluster.url, `${name}-${version}`));
      [alice, bob] = (await Promise.all(users)) as [MatrixUser, MatrixUser];
      roomId = await alice.createRoom({ preset: 'public_chat', room_version: version });
      await bob.join(roomId);
      readers = [alice, bob].map((user, index) => new SyncReader(user.at(cluster.replicasOf('sync')[index]!.url)));
      for (const reader of readers) await reader.until(() => reader.timeline(roomId).length > 0);
      server = await ForeignServer.in(roomId, cluster.replicasOf('room-server'));
      [mallory, exile] = ['mallory', 'exile'].map((name) => server.user(name)) as [string, string];
      for (const user of [mallory, exile]) await accepted(join(user));
      precious = await alice.sendText(roomId, 'precious');
      await alice.call('POST', inRoom('ban'), { body: { user_id: exile } });
      await server.learn();
    }, 120_000);

    afterAll(() => server?.close());

    /** Sends an event that nothing is wrong with. */
    async function accepted(draft: Parameters<ForeignServer['write']>[0]): Promise<string> {
      await server.learn();
      const { eventId, json } = server.write(draft);
      expect(await server.send(json)).toMatchObject([{ eventId, fate: ACCEPTED, reason: '' }]);
      await server.learn();
      return eventId;
    }

    /** Sends each of them alone, and then all of them around an event that nothing is wrong with. */
    async function expectRefused(hostile: readonly Hostile[]): Promise<void> {
      for (const { eventId } of hostile) if (eventId !== undefined) unseen.add(eventId);
      const fates = hostile.map(({ name, fate }) => [name, fate]);
      const told: unknown[] = [];
      for (const { name, json } of hostile) told.push([name, (await server.send(json))[0]?.fate]);
      expect(told).toEqual(fates);
      const good = server.write(messageOf(mallory, 'nothing is wrong with this'));
      const texts = hostile.map(({ json }) => json);
      const middle = texts.length >> 1;
      const outcomes = await server.send(...texts.slice(0, middle), good.json, ...texts.slice(middle));
      const [ours] = outcomes.splice(middle, 1);
      expect(ours).toMatchObject({ eventId: good.eventId, fate: ACCEPTED });
      expect(outcomes.map(({ fate }, index) => [hostile[index]?.name, fate])).toEqual(fates);
      await expectToBeRead(good.eventId);
      await server.learn();
    }

    async function expectToBeRead(eventId: string): Promise<void> {
      const has = (reader: SyncReader) => reader.timeline(roomId).some(({ event_id }) => event_id === eventId);
      await Promise.all(readers.map((reader) => reader.until(() => has(reader))));
    }

    async function readEvent(eventId: string): Promise<ClientEvent> {
      return bob.call<ClientEvent>('GET', inRoom(`event/${encodeURIComponent(eventId)}`));
    }

    prove('7. Hostile until parsed: what is malformed, or of another room, changes nothing', async () => {
      const otherRoom = await alice.createRoom({ room_version: version });
      await expectRefused(malformed(server, mallory, otherRoom));
    });

    prove(
      '7. Hostile until parsed: what the rules refuse reaches no client, nor does what it would have allowed',
      async () => {
        await expectRefused(refused(server, mallory, exile, { victim: alice.userId, beforeBan: precious }));
      },
    );

    prove(
      '7. Hostile until parsed: what would have been allowed before a ban, or waits for ever, reaches no client',
      async () => {
        const evading = server.write(messageOf(exile), { after: precious });
        const waiting = server.write(messageOf(mallory), {
          after: `$${'A'.repeat(43)}`,
          authEvents: server.authEvents(messageOf(mallory)),
        });
        await expectRefused([
          { name: 'follows on what was before the ban', ...evading, fate: SOFT_FAILED },
          { name: 'follows on what is not there', ...waiting, fate: WAITING },
        ]);
      },
    );

    prove('7. Hostile until parsed: what was changed after it was signed arrives redacted', async () => {
      for (const draft of [messageOf(mallory, 'as it was signed'), join(mallory)]) {
        const { eventId, pdu } = server.write(draft);
        const content = { ...pdu.content, body: MARK, displayname: MARK };
        expect(await server.send(JSON.stringify({ ...pdu, content }))).toMatchObject([{ eventId, fate: ACCEPTED }]);
        await expectToBeRead(eventId);
        const left = draft.type === 'm.room.member' ? { membership: 'join' } : {};
        for (const reader of readers) {
          const event = reader.timeline(roomId).find(({ event_id }) => event_id === eventId);
          expect(event).toMatchObject({ sender: mallory, content: left });
          expect(event?.content).toEqual(left);
        }
        expect((await readEvent(eventId)).content).toEqual(left);
        await server.learn();
      }
    });

    prove('7. Hostile until parsed: a redaction without power takes nothing away', async () => {
      const redaction = { type: 'm.room.redaction', sender: mallory, content: {}, redacts: precious };
      const { json } = server.write(redaction);
      await server.send(json);
      await expectToBeRead(await accepted(messageOf(mallory, 'after the redaction')));
      const { content, unsigned } = await readEvent(precious);
      expect(content).toMatchObject({ body: 'precious' });
      expect(unsigned).not.toHaveProperty('redacted_because');
    });

    prove(
      '7. Hostile until parsed: the room goes on for everybody, and nothing hostile is read in any way',
      async () => {
        const said = [
          await alice.sendText(roomId, 'still here'),
          await accepted(messageOf(mallory, 'so am I')),
          await bob.sendText(roomId, 'and I'),
        ];
        for (const eventId of said) await expectToBeRead(eventId);
        const [one, other] = readers.map((reader) => reader.timeline(roomId).map(({ event_id }) => event_id));
        expect(one?.slice(-3)).toEqual(said);
        expect(other?.slice(-3)).toEqual(said);
        const pages = { limit: 500 };
        const back = await bob.call<{ chunk: ClientEvent[] }>('GET', inRoom('messages'), {
          query: { ...pages, dir: 'b' },
        });
        const forth = await bob.call<{ chunk: ClientEvent[] }>('GET', inRoom('messages'), {
          query: { ...pages, dir: 'f' },
        });
        const idsOf = ({ chunk }: { chunk: ClientEvent[] }) => chunk.map(({ event_id }) => event_id);
        expect(idsOf(back)).toEqual(idsOf(forth).toReversed());
        const state = await bob.call<ClientEvent[]>('GET', inRoom('state'));
        const everything = JSON.stringify([
          ...readers.map((reader) => reader.timeline(roomId)),
          ...[
            back,
            forth,
            state,
            await bob.call('GET', inRoom('members')),
            await bob.call('GET', inRoom('joined_members')),
          ],
          await bob.call('GET', 'sync', { query: { full_state: true } }),
        ]);
        expect(everything).not.toContain(MARK);
        for (const eventId of unseen) {
          expect(everything).not.toContain(eventId);
          await expect(readEvent(eventId)).rejects.toMatchObject({ status: 404 });
        }
        const now = (type: string, key: string) =>
          state.find((event) => event.type === type && event.state_key === key)?.content;
        for (const user of [alice.userId, bob.userId, mallory])
          expect(now('m.room.member', user)).toMatchObject({ membership: 'join' });
        expect(now('m.room.member', exile)).toMatchObject({ membership: 'ban' });
        expect(now('m.room.topic', '')).toBeUndefined();
      },
    );
  },
);
