import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

const TIMEOUT_MS = 60_000;
const ADMIN = '/_synapse/admin/v1';

let homeserver: Homeserver;
let replica: Replica;
let other: Replica;
let alice: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
  other = await homeserver.start();
  [alice, bob] = [await Person.register(replica.url), await Person.register(replica.url)];
  const made = await Person.register(replica.url, 'admin');
  await replica.db.query({
    text: 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1',
    values: [made.userId],
  });
  admin = await made.onNewDevice();
});
afterAll(() => homeserver.close());

const path = (roomId: string, eventId = '') =>
  `${ADMIN}/purge_history/${encodeURIComponent(roomId)}${eventId && `/${encodeURIComponent(eventId)}`}`;

/** What somebody reads of a room by paging back, at either replica. */
async function bodies(person: Person, roomId: string): Promise<string[]> {
  const found: string[] = [];
  for (let from = ''; ; ) {
    const { body } = await person.get(`${inRoom(roomId)}/messages?dir=b&limit=20${from && `&from=${from}`}`);
    for (const { content } of body.chunk) if (content.body !== undefined) found.unshift(content.body);
    if (body.end === undefined) return found;
    from = body.end;
  }
}

async function found(person: Person, term: string): Promise<number> {
  const { body } = await person.post('search', { search_categories: { room_events: { search_term: term } } });
  return body.search_categories.room_events.count;
}

it(
  'what an administrator purges is gone at every replica: from /sync, /messages, search, relations and single events',
  async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', name: 'A room' });
    await bob.must('POST', `${inRoom(roomId)}/join`);
    const old: string[] = [];
    for (let index = 0; index < 30; index++) old.push(await alice.say(roomId, `aardvark ${index}`));
    const reaction = { 'm.relates_to': { rel_type: 'm.annotation', event_id: old[0], key: 'x' } };
    await bob.must('PUT', `${inRoom(roomId)}/send/m.reaction/r1`, reaction);
    const kept = await alice.say(roomId, 'badger');
    const late = await alice.say(roomId, 'badger again');
    for (const { url } of [replica, other]) {
      expect(await bodies(bob.at(url), roomId)).toHaveLength(32);
      expect((await bob.at(url).get(`sync?filter=${filter(20)}`)).text).toContain('aardvark 29');
      await eventually(async () => expect(await found(bob.at(url), 'aardvark')).toBe(30));
    }
    const { since } = { since: (await bob.get('sync')).body.next_batch };
    const { body } = await admin.post(path(roomId, kept), { delete_local_events: true });
    const status = `${ADMIN}/purge_history_status/${body.purge_id}`;
    await eventually(
      async () => expect((await admin.at(other.url).get(status)).body).toEqual({ status: 'complete' }),
      TIMEOUT_MS,
    );
    for (const { url } of [replica, other]) {
      const reader = bob.at(url);
      await eventually(
        async () => expect(await bodies(reader, roomId)).toEqual(['badger', 'badger again']),
        TIMEOUT_MS,
      );
      expect((await reader.get(`sync?filter=${filter(50)}`)).text).not.toContain('aardvark');
      await eventually(async () => expect(await found(reader, 'aardvark')).toBe(0), TIMEOUT_MS);
      expect((await reader.get(`${inRoom(roomId)}/event/${encodeURIComponent(old[3]!)}`)).status).toBe(404);
      expect((await reader.get(`${inRoom(roomId)}/context/${encodeURIComponent(late)}`)).status).toBe(200);
      const related = await reader.get(
        `/_matrix/client/v1/rooms/${encodeURIComponent(roomId)}/relations/${encodeURIComponent(old[0]!)}`,
      );
      expect(related.status).toBe(404);
      const news = (await reader.get(`sync?since=${since}&timeout=0`)).body;
      expect(JSON.stringify(news)).not.toContain('aardvark');
      const state = await reader.get(`${inRoom(roomId)}/state`);
      expect(state.body.map(({ type }: { type: string }) => type)).toContain('m.room.name');
    }
    await bob.at(other.url).must('POST', `${inRoom(roomId)}/leave`);
    await bob.at(other.url).must('POST', `${inRoom(roomId)}/join`);
    await alice.say(roomId, 'goes on');
    await eventually(async () =>
      expect(await bodies(bob.at(other.url), roomId)).toEqual(['badger', 'badger again', 'goes on']),
    );
    const words = 'sync.words s JOIN sync.rooms r USING (room_nid) WHERE r.room_id = $1';
    const rows = async () =>
      (await replica.db.query<{ count: number }>({ text: `SELECT count(*)::int FROM ${words}`, values: [roomId] }))
        .rows;
    await eventually(async () => expect(await rows()).toEqual([{ count: 4 }]), TIMEOUT_MS);
  },
  TIMEOUT_MS,
);

const filter = (limit: number) => encodeURIComponent(JSON.stringify({ room: { timeline: { limit } } }));

it('a purge of what nobody knows, or of nothing in particular, is refused, and only administrators may', async () => {
  const roomId = await alice.createRoom({});
  const event = await alice.say(roomId, 'hello');
  expect((await alice.post(path(roomId, event))).body.errcode).toBe('M_FORBIDDEN');
  expect((await admin.post(path(roomId))).body.errcode).toBe('M_MISSING_PARAM');
  expect((await admin.post(path(roomId), { purge_up_to_ts: 'now' })).body.errcode).toMatch(
    /^M_(BAD_JSON|INVALID_PARAM)$/,
  );
  expect((await admin.post(path('!none:one.test'), { purge_up_to_ts: 1 })).status).toBe(404);
  expect((await admin.post(path(roomId, `$${'a'.repeat(43)}`))).status).toBe(404);
  expect((await admin.get(`${ADMIN}/purge_history_status/none`)).status).toBe(404);
  const both = await admin.post(path(roomId), { purge_up_to_event_id: event, purge_up_to_ts: 1 });
  expect(both.body).toEqual({ purge_id: expect.any(String) });
});
