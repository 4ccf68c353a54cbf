import { eventually } from '@ganglion/testing';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { type Answer, inRoom, Person } from '../support/person.js';

const NOTICE = '/_synapse/admin/v1/send_server_notice';
const SERVER = '@_office:one.test';
const DECLINED = [403, 'M_CANNOT_LEAVE_SERVER_NOTICE_ROOM'];
const refusal = ({ status, body }: Answer) => [status, body.errcode];

let homeserver: Homeserver;
let replicas: Replica[];
let admin: Person;
let alice: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  const server_notices = { localpart: '_office', display_name: 'The office', room_name: 'From the office' };
  replicas = [await homeserver.start({ server_notices }), await homeserver.start({ server_notices })];
  admin = await Person.register(replicas[0]!.url, 'admin');
  const text = 'UPDATE user_server.accounts SET admin = true WHERE user_id = $1';
  await replicas[0]!.db.query({ text, values: [admin.userId] });
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  alice = await Person.register(replicas[1]!.url, 'alice');
});

const say = (body: string) => ({ user_id: alice.userId, content: { msgtype: 'm.text', body } });

interface Invite {
  readonly roomId: string;
  readonly state: readonly { type: string; sender: string; content: Record<string, unknown> }[];
}

async function invites(): Promise<Invite[]> {
  const { rooms = {} } = await alice.must('GET', 'sync?timeout=0');
  return Object.entries<{ invite_state: { events: Invite['state'] } }>(rooms.invite ?? {}).map(([roomId, room]) => ({
    ...{ roomId, state: room.invite_state.events },
  }));
}

/** The one room to which the server has invited. */
async function invited(): Promise<Invite> {
  return eventually(async () => {
    const found = await invites();
    expect(found).toHaveLength(1);
    return found[0]!;
  });
}

describe('a notice of the server', () => {
  it('comes in a room that looks official, has the tag, and is of this server alone', async () => {
    const { event_id } = await admin.must('POST', NOTICE, say('mind the gap'));
    const { roomId, state } = await invited();
    expect(new Set(state.map(({ sender }) => sender))).toEqual(new Set([SERVER]));
    expect(state.find(({ type }) => type === 'm.room.name')?.content).toEqual({ name: 'From the office' });
    await alice.must('POST', `${inRoom(roomId)}/join`);
    await eventually(async () => {
      const { rooms } = await alice.must('GET', 'sync?timeout=0');
      const { timeline, account_data } = rooms.join[roomId];
      expect(timeline.events.map(({ event_id: id }: { event_id: string }) => id)).toContain(event_id);
      expect(account_data.events).toContainEqual({ type: 'm.tag', content: { tags: { 'm.server_notice': {} } } });
    });
    const { joined } = await alice.must('GET', `${inRoom(roomId)}/joined_members`);
    expect(joined[SERVER].display_name).toBe('The office');
    expect((await alice.put(`${inRoom(roomId)}/send/m.room.message/1`, { msgtype: 'm.text', body: 'no' })).status).toBe(
      403,
    );
    expect((await alice.get(`${inRoom(roomId)}/state/m.room.create`)).body['m.federate']).toBe(false);
  });

  it('is not declined, whichever way, but its room may be left once it was joined; the next one invites there again', async () => {
    await admin.must('POST', NOTICE, say('one'));
    const { roomId } = await invited();
    const member = `${inRoom(roomId)}/state/m.room.member/${alice.userId}`;
    expect(refusal(await alice.post(`${inRoom(roomId)}/leave`))).toEqual(DECLINED);
    expect(refusal(await alice.put(member, { membership: 'leave' }))).toEqual(DECLINED);
    const later = `${member}?org.matrix.msc4140.delay=1000`;
    expect(refusal(await alice.put(later, { membership: 'leave' }))).toEqual(DECLINED);
    await alice.must('POST', `${inRoom(roomId)}/join`);
    await alice.must('POST', `${inRoom(roomId)}/leave`);
    await admin.must('POST', NOTICE, say('two'));
    expect((await invited()).roomId).toBe(roomId);
  });

  it('of which there are many at once, at several replicas, comes in one room', async () => {
    const sent = Array.from({ length: 8 }, (_, n) => admin.at(replicas[n % 2]!.url).must('POST', NOTICE, say(`${n}`)));
    await Promise.all(sent);
    const { roomId } = await invited();
    await alice.must('POST', `${inRoom(roomId)}/join`);
    const { chunk } = await alice.must('GET', `${inRoom(roomId)}/messages?dir=b&limit=50`);
    const said = chunk.filter(({ type }: { type: string }) => type === 'm.room.message');
    expect(said.map(({ content }: { content: { body: string } }) => content.body).toSorted()).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
    ]);
  });

  it('is sent once for one transaction, and may be state', async () => {
    const once = () => admin.must('PUT', `${NOTICE}/same`, say('once'));
    const ids = [await once(), await once()].map(({ event_id }) => event_id);
    expect(new Set(ids).size).toBe(1);
    const pinned = { type: 'm.room.pinned_events', state_key: '', content: { pinned: [ids[0]] } };
    await admin.must('POST', NOTICE, { user_id: alice.userId, ...pinned });
    const { roomId } = await invited();
    await alice.must('POST', `${inRoom(roomId)}/join`);
    expect(await alice.must('GET', `${inRoom(roomId)}/state/m.room.pinned_events`)).toEqual(pinned.content);
  });

  it('does not keep somebody from ending their account', async () => {
    await admin.must('POST', NOTICE, say('one'));
    await invited();
    const auth = {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: alice.userId },
      password: alice.password,
    };
    await alice.must('POST', 'account/deactivate', { auth });
    expect(refusal(await admin.post(NOTICE, say('two')))).toEqual([404, 'M_NOT_FOUND']);
    const { rows } = await replicas[0]!.db.query<{ membership: string }>({
      text: `SELECT membership FROM room_server.state_entries WHERE type = 'm.room.member' AND state_key = $1`,
      values: [alice.userId],
    });
    expect(rows).toEqual([{ membership: 'leave' }]);
  });

  it('is sent by administrators alone, and to users of this server', async () => {
    expect(refusal(await alice.post(NOTICE, say('one')))).toEqual([403, 'M_FORBIDDEN']);
    const to = (user_id: string) => admin.post(NOTICE, { ...say('one'), user_id });
    expect(refusal(await to('@nobody:one.test'))).toEqual([404, 'M_NOT_FOUND']);
    expect(refusal(await to('@other:elsewhere.test'))).toEqual([400, 'M_INVALID_PARAM']);
    expect(refusal(await to('nobody'))).toEqual([400, 'M_INVALID_PARAM']);
    expect(refusal(await admin.post(NOTICE, { user_id: alice.userId }))).toEqual([400, 'M_BAD_JSON']);
  });
});

it('where notices are not configured there are none', async () => {
  const { url } = await homeserver.start();
  expect(refusal(await admin.at(url).post(NOTICE, say('one')))).toEqual([400, 'M_UNKNOWN']);
});
