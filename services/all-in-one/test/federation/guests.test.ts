import { Authority } from '@ganglion/testing';
import { FederatedHomeserver } from '../support/federated-homeserver.js';
import { exchange, inRoom, Person } from '../support/person.js';
import { heard, LONG_MS, membershipOf, soon } from '../support/two-homeservers.js';

let authority: Authority;
let here: FederatedHomeserver;
let there: FederatedHomeserver;
let anna: Person;
beforeAll(async () => {
  authority = await Authority.create('the internet');
  const start = () => FederatedHomeserver.start(authority, {}, { registration: { enabled: true, allow_guests: true } });
  [here, there] = await Promise.all([start(), start()]);
  anna = await here.person('anna');
}, LONG_MS);
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  authority.end();
}, LONG_MS);

/** A guest of the other server who is invited to a room of Anna's. */
async function invitedTo(roomId: string): Promise<Person> {
  const { url } = there.replica;
  const { body } = await exchange(url, 'POST', '/_matrix/client/v3/register?kind=guest', { body: {} });
  const guest = new Person(url, body.user_id, body.device_id, body.access_token, '');
  await anna.must('POST', `${inRoom(roomId)}/invite`, { user_id: guest.userId });
  await soon(async () => expect(await roomsOf(guest, 'invite')).toEqual([roomId]));
  return guest;
}

const roomsOf = async (person: Person, kind: string) =>
  Object.keys((await person.must('GET', 'sync?timeout=0')).rooms?.[kind] ?? {});

describe('guests who are invited to a room of another server', () => {
  it.each(['10', '12'])(
    'come, where it lets guests in, and talk: version %s',
    async (room_version) => {
      const roomId = await anna.createRoom({ preset: 'private_chat', room_version });
      const guest = await invitedTo(roomId);
      await guest.must('POST', `${inRoom(roomId)}/join`);
      await guest.say(roomId, 'hello');
      await soon(async () => expect(await heard(anna, roomId)).toEqual(['hello']));
    },
    LONG_MS,
  );

  it(
    'do not come where it lets no guests in, and nobody goes on thinking that they have',
    async () => {
      const roomId = await anna.createRoom({ preset: 'public_chat' });
      const guest = await invitedTo(roomId);
      const refused = await guest.post(`${inRoom(roomId)}/join`);
      expect([refused.status, refused.body.errcode]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
      await soon(async () => expect(await membershipOf(anna, roomId, guest.userId)).toBe('leave'));
      await soon(async () => expect(await roomsOf(guest, 'invite')).toEqual([]));
      expect(await roomsOf(guest, 'join')).toEqual([]);
      const text = 'SELECT FROM room_server.rooms WHERE room_id = $1 AND state_nid IS NOT NULL';
      expect((await there.db.query({ text, values: [roomId] })).rowCount).toBe(0);
    },
    LONG_MS,
  );

  it(
    'may decline, and who has invited them hears so',
    async () => {
      const roomId = await anna.createRoom({ preset: 'private_chat' });
      const guest = await invitedTo(roomId);
      await guest.must('POST', `${inRoom(roomId)}/leave`);
      await soon(async () => expect(await membershipOf(anna, roomId, guest.userId)).toBe('leave'));
    },
    LONG_MS,
  );
});
