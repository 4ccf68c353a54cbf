import { eventually } from '@ganglion/testing';
import { EXAMPLES } from '../support/endpoint-examples.js';
import { Homeserver, type Replica } from '../support/homeserver.js';
import { pathOf } from '../support/hostile-input.js';
import { type Answer, exchange, inRoom, Person } from '../support/person.js';

const V3 = '/_matrix/client/v3';
const DELAYED = '/_matrix/client/unstable/org.matrix.msc4140';

/** What guests may do as the specification says, as far as it is there. */
const MAY = [
  `GET ${V3}/rooms/:roomId/state`,
  `GET ${V3}/rooms/:roomId/context/:eventId`,
  `GET ${V3}/rooms/:roomId/event/:eventId`,
  `GET ${V3}/rooms/:roomId/state/:eventType`,
  `GET ${V3}/rooms/:roomId/state/:eventType/:stateKey`,
  `GET ${V3}/rooms/:roomId/messages`,
  `GET ${V3}/rooms/:roomId/members`,
  `GET ${V3}/sync`,
  `GET ${V3}/initialSync`,
  `GET ${V3}/events`,
  `GET ${V3}/rooms/:roomId/initialSync`,
  `POST ${V3}/rooms/:roomId/join`,
  `POST ${V3}/rooms/:roomId/leave`,
  `PUT ${V3}/rooms/:roomId/send/:eventType/:txnId`,
  `PUT ${V3}/rooms/:roomId/state/:eventType`,
  `PUT ${V3}/rooms/:roomId/state/:eventType/:stateKey`,
  `PUT ${V3}/profile/:userId/:keyName`,
  `DELETE ${V3}/profile/:userId/:keyName`,
  `GET ${V3}/devices`,
  `GET ${V3}/devices/:deviceId`,
  `PUT ${V3}/devices/:deviceId`,
  `GET ${V3}/account/whoami`,
  `PUT ${V3}/sendToDevice/:eventType/:txnId`,
  `POST ${V3}/keys/upload`,
  `POST ${V3}/keys/query`,
  `POST ${V3}/keys/claim`,
];
/** What their clients cannot do without, or find rooms by. */
const MAY_BESIDES = [
  `GET ${V3}/capabilities`,
  `GET ${V3}/keys/changes`,
  `POST ${V3}/join/:roomIdOrAlias`,
  `DELETE /_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName`,
  `POST ${V3}/publicRooms`,
  `PUT /_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName`,
  `POST ${V3}/rooms/:roomId/forget`,
  `POST ${V3}/rooms/:roomId/send/:eventType`,
  `PUT ${DELAYED}/rooms/:roomId/delayed_event/:eventType/:txnId`,
  `GET ${DELAYED}/delayed_events`,
  `GET ${DELAYED}/delayed_events/:delayId`,
];

let homeserver: Homeserver;
let replica: Replica;
let host: Person;
let guest: Person;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start({ registration: { enabled: true, allow_guests: true } });
  host = await Person.register(replica.url, 'host');
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  guest = await guestOf();
});

async function guestOf(): Promise<Person> {
  const { body } = await exchange(replica.url, 'POST', `${V3}/register?kind=guest`, { body: {} });
  return new Person(replica.url, body.user_id, body.device_id, body.access_token, '');
}

const FORBIDDEN = [403, 'M_GUEST_ACCESS_FORBIDDEN'];
const refusal = ({ status, body }: Answer) => [status, body.errcode];
const isForbidden = ({ status, body }: Answer) => status === 403 && body.errcode === 'M_GUEST_ACCESS_FORBIDDEN';

const setGuestAccess = (roomId: string, guest_access: string) =>
  host.must('PUT', `${inRoom(roomId)}/state/m.room.guest_access`, { guest_access });

/** The guest in a room that lets guests in. */
async function guestInRoom(): Promise<{ guest: Person; roomId: string }> {
  const roomId = await host.createRoom({ preset: 'public_chat', power_level_content_override: { state_default: 0 } });
  await setGuestAccess(roomId, 'can_join');
  await guest.must('POST', `${inRoom(roomId)}/join`);
  return { guest, roomId };
}

describe('of the endpoints that need an access token, to guests', () => {
  const params = {
    roomId: '!none:one.test',
    roomIdOrAlias: '!none:one.test',
    userId: '@other:one.test',
    eventId: '$none',
    stateKey: 'x',
    keyName: 'other',
  };
  const answerTo = (token: string, route: string) => {
    const method = route.slice(0, route.indexOf(' '));
    const example = {
      params: {
        ...params,
        deviceId: 'X',
        eventType: 'x',
        txnId: 't',
        scope: 'global',
        kind: 'override',
        ruleId: 'r',
        attribute: 'enabled',
      },
    };
    const headers = { authorization: `Bearer ${token}` };
    return exchange(replica.url, method, pathOf(route, example), { headers, body: method === 'GET' ? undefined : {} });
  };

  it('those are open that the specification opens, and no others', async () => {
    const open: string[] = [];
    for (const route of Object.keys(EXAMPLES).filter((route) => !route.includes('/_matrix/federation/'))) {
      const needsToken = (await answerTo('nobody', route)).body.errcode === 'M_UNKNOWN_TOKEN';
      if (needsToken && !isForbidden(await answerTo(guest.token, route))) open.push(route);
    }
    expect(open.toSorted()).toEqual([...MAY, ...MAY_BESIDES].toSorted());
  });
});

describe('into a room, guests', () => {
  it('come where it lets them in, also by its alias and on an invite, and nowhere else', async () => {
    const name = `guests-${guest.userId.slice(1, 5)}`;
    const roomId = await host.createRoom({ preset: 'public_chat', room_alias_name: name });
    const alias = encodeURIComponent(`#${name}:one.test`);
    const attempts = () => [guest.post(`${inRoom(roomId)}/join`), guest.post(`join/${alias}`)];
    expect((await Promise.all(attempts())).map(refusal)).toEqual([FORBIDDEN, FORBIDDEN]);
    await host.must('POST', `${inRoom(roomId)}/invite`, { user_id: guest.userId });
    expect(refusal(await guest.post(`${inRoom(roomId)}/join`))).toEqual(FORBIDDEN);
    await setGuestAccess(roomId, 'can_join');
    expect((await Promise.all(attempts())).map(({ status }) => status)).toEqual([200, 200]);
    await guest.say(roomId, 'hello');
    expect((await guest.post(`knock/${alias}`)).body.errcode).toBe('M_GUEST_ACCESS_FORBIDDEN');
    const ban = `${inRoom(roomId)}/state/m.room.member/${host.userId}`;
    for (const path of [ban, `${ban}?org.matrix.msc4140.delay=1000`]) {
      expect(refusal(await guest.put(path, { membership: 'ban' }))).toEqual(FORBIDDEN);
    }
  });

  it('come by way of no other server', async () => {
    const answer = await guest.post(`join/${encodeURIComponent('!room:elsewhere.test')}?via=elsewhere.test`);
    expect([403, 404]).toContain(answer.status);
  });
});

it('guests go when their room lets them in no more, and others stay', async () => {
  const { roomId } = await guestInRoom();
  const user = await Person.register(replica.url, 'visitor');
  await user.must('POST', `${inRoom(roomId)}/join`);
  const joined = async () =>
    Object.keys((await host.must('GET', `${inRoom(roomId)}/joined_members`)).joined).toSorted();
  expect(await joined()).toContain(guest.userId);
  await setGuestAccess(roomId, 'forbidden');
  await eventually(async () => expect(await joined()).toEqual([host.userId, user.userId].toSorted()));
  expect((await guest.put(`${inRoom(roomId)}/send/m.room.message/1`, { msgtype: 'm.text', body: 'x' })).status).toBe(
    403,
  );
  expect(refusal(await guest.post(`${inRoom(roomId)}/join`))).toEqual(FORBIDDEN);
});

it('guests who have become users stay where no guests are let in', async () => {
  const { roomId } = await guestInRoom();
  const username = guest.userId.slice(1, guest.userId.indexOf(':'));
  const auth = { type: 'm.login.dummy' };
  const body = { username, password: 'a good password', guest_access_token: guest.token, auth };
  const { body: user } = await exchange(replica.url, 'POST', `${V3}/register`, { body });
  const other = await guestOf();
  await other.must('POST', `${inRoom(roomId)}/join`);
  await setGuestAccess(roomId, 'forbidden');
  await eventually(async () => {
    const { joined } = await host.must('GET', `${inRoom(roomId)}/joined_members`);
    expect(Object.keys(joined).toSorted()).toEqual([host.userId, user.user_id].toSorted());
  });
});

describe('in a room, guests', () => {
  it('talk, set state, show themselves by another name, read and leave', async () => {
    const { guest, roomId } = await guestInRoom();
    const room = inRoom(roomId);
    await guest.say(roomId, 'hello');
    await guest.must('PUT', `${room}/send/org.example.wave/1`, { hand: 'left' });
    await guest.must('PUT', `${room}/state/org.example.state/own`, { is: 1 });
    const self = `${room}/state/m.room.member/${encodeURIComponent(guest.userId)}`;
    await guest.must('PUT', self, { membership: 'join', displayname: 'Visitor' });
    expect(await guest.must('GET', self)).toMatchObject({ membership: 'join', displayname: 'Visitor' });
    const reads = ['messages?dir=b', 'members', 'state'].map((path) => guest.get(`${room}/${path}`));
    expect((await Promise.all(reads)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await guest.must('POST', `${room}/leave`);
    expect((await guest.put(`${room}/send/m.room.message/2`, { msgtype: 'm.text', body: 'bye' })).status).toBe(403);
  });

  it('change nobody else’s membership, and do not come in by a state event', async () => {
    const { guest, roomId } = await guestInRoom();
    const member = (userId: string) => `${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`;
    for (const membership of ['invite', 'ban', 'leave', 'join']) {
      expect(refusal(await guest.put(member('@friend:one.test'), { membership }))).toEqual(FORBIDDEN);
    }
    await guest.must('PUT', member(guest.userId), { membership: 'leave' });
    for (const membership of ['join', 'knock']) {
      expect(refusal(await guest.put(member(guest.userId), { membership }))).toEqual(FORBIDDEN);
    }
    for (const path of ['invite', 'kick', 'ban', 'unban']) {
      expect(refusal(await guest.post(`${inRoom(roomId)}/${path}`, { user_id: '@friend:one.test' }))).toEqual(
        FORBIDDEN,
      );
    }
  });
});
