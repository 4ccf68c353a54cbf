import { Authority } from '@ganglion/testing';
import { FederatedHomeserver } from '../support/federated-homeserver.js';
import { IdentityServer } from '../support/identity-server.js';
import { inRoom, type Person } from '../support/person.js';
import { LONG_MS, membershipOf, soon } from '../support/two-homeservers.js';

let authority: Authority;
let identity: IdentityServer;
let here: FederatedHomeserver;
let there: FederatedHomeserver;
let anna: Person;
let bert: Person;
let addresses = 0;
beforeAll(async () => {
  authority = await Authority.create('the internet');
  identity = await IdentityServer.start(authority);
  const { ca: trusted_ca_file } = await authority.issue('127.0.0.1');
  const config = { identity_servers: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file } };
  const start = () => FederatedHomeserver.start(authority, {}, config);
  [here, there] = await Promise.all([start(), start()]);
  anna = await here.person('anna');
  bert = await there.person('bert');
}, LONG_MS);
afterAll(async () => {
  await Promise.all([here?.close(), there?.close()]);
  await identity.close();
  authority.end();
}, LONG_MS);
beforeEach(() => {
  identity.asked.length = 0;
  identity.isTrue = true;
});

const newAddress = () => `somebody${++addresses}@example.org`;
const invite = (roomId: string, address: string, by = anna) =>
  by.post(`${inRoom(roomId)}/invite`, identity.of(address));
const invitesOf = async (person: Person): Promise<string[]> => {
  const { rooms } = await person.must('GET', 'sync');
  return Object.keys(rooms?.invite ?? {});
};
const thirdPartyInvites = async (roomId: string) => {
  const state: { type: string }[] = await anna.must('GET', `${inRoom(roomId)}/state`);
  return state.filter(({ type }) => type === 'm.room.third_party_invite');
};
const isInvitedTo = (person: Person, roomId: string) =>
  soon(async () => expect(await invitesOf(person)).toContain(roomId));

describe('an invite of an address', () => {
  it(
    'is one of the user to whom it belongs, here or elsewhere, however it is written',
    async () => {
      const carl = await here.person('carl');
      for (const guest of [carl, bert]) {
        const address = newAddress();
        identity.owners.set(address, guest.userId);
        const roomId = await anna.createRoom({ preset: 'private_chat' });
        expect(await invite(roomId, address.toUpperCase())).toMatchObject({ status: 200, body: {} });
        await isInvitedTo(guest, roomId);
        expect(await thirdPartyInvites(roomId)).toEqual([]);
      }
    },
    LONG_MS,
  );

  it(
    'waits until it belongs to somebody elsewhere, who is invited then',
    async () => {
      const address = newAddress();
      const roomId = await anna.createRoom({ preset: 'private_chat', name: 'The Cellar' });
      expect(await invite(roomId, address)).toMatchObject({ status: 200, body: {} });
      const stored = [...identity.invites.values()].at(-1);
      expect(stored).toMatchObject({ address, medium: 'email', room_id: roomId, sender: anna.userId });
      expect(stored).toMatchObject({ room_name: 'The Cellar', room_join_rules: 'invite' });
      const [waiting] = await thirdPartyInvites(roomId);
      expect(JSON.stringify(waiting)).not.toContain(address);
      expect(await identity.bind(address, bert.userId, there.replica.url)).toMatchObject({ status: 200, body: {} });
      await isInvitedTo(bert, roomId);
      const { body } = await anna.get(`${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(bert.userId)}`);
      expect(body).toMatchObject({ membership: 'invite', third_party_invite: { display_name: 'so...@e...' } });
      await bert.must('POST', `${inRoom(roomId)}/join`);
      await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    },
    LONG_MS,
  );

  it('waits until it belongs to somebody here, who is invited once, however often that is told', async () => {
    const address = newAddress();
    const dora = await here.person('dora');
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    for (let times = 0; times < 2; times++) {
      expect((await identity.bind(address, dora.userId, here.replica.url)).status).toBe(200);
    }
    expect(await invitesOf(dora)).toEqual([roomId]);
    await dora.must('POST', `${inRoom(roomId)}/leave`);
    expect((await identity.bind(address, dora.userId, here.replica.url)).status).toBe(200);
    expect(await invitesOf(dora)).toEqual([]);
  });

  it('is none any more when the identity server does not stand by its key', async () => {
    const address = newAddress();
    const emil = await here.person('emil');
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    identity.isTrue = false;
    for (const [guest, server] of [
      [emil, here],
      [bert, there],
    ] as const) {
      expect((await identity.bind(address, guest.userId, server.replica.url)).status).toBe(200);
      expect(await membershipOf(anna, roomId, guest.userId)).toBeUndefined();
    }
    expect(identity.asked).toContain('/_matrix/identity/v2/pubkey/isvalid');
  });

  it('can be taken back', async () => {
    const address = newAddress();
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    const [token] = [...identity.invites.keys()].slice(-1);
    await anna.must('PUT', `${inRoom(roomId)}/state/m.room.third_party_invite/${token}`, {});
    expect((await identity.bind(address, bert.userId, there.replica.url)).status).toBe(200);
    expect(await membershipOf(anna, roomId, bert.userId)).toBeUndefined();
  });

  it(
    'is one of who comes with what the identity server has signed for them, and of nobody else',
    async () => {
      const hugo = await here.person('hugo');
      const thief = await here.person('thief');
      for (const guest of [hugo, bert]) {
        const roomId = await anna.createRoom({ preset: 'private_chat' });
        await invite(roomId, newAddress());
        const [token = ''] = [...identity.invites.keys()].slice(-1);
        const sign = (changes: object = {}) =>
          identity.sign({ mxid: guest.userId, sender: anna.userId, token, ...changes }) as Record<string, unknown>;
        const join = (third_party_signed: object, by = guest) =>
          by.post(`join/${encodeURIComponent(roomId)}?via=${anna.userId.split(':').slice(1).join(':')}`, {
            third_party_signed,
          });
        for (const refused of [
          await join(sign(), thief),
          await join({ ...sign(), mxid: thief.userId }, thief),
          await join(sign({ token: 'another' })),
          await join({ ...sign(), signatures: {} }),
        ])
          expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
        expect((await join({ ...sign(), token: undefined })).status).toBe(400);
        const signed = sign();
        // The answer may get lost: once more is the same.
        for (let times = 0; times < 2; times++) {
          expect(await join(signed)).toMatchObject({ status: 200, body: { room_id: roomId } });
        }
        await soon(async () => expect(await membershipOf(anna, roomId, guest.userId)).toBe('join'));
      }
    },
    LONG_MS,
  );

  it('finds its owner when the identity server has just changed what it hashes with', async () => {
    const address = newAddress();
    const frida = await here.person('frida');
    identity.owners.set(address, frida.userId);
    identity.oldPepper = 'salt';
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    expect((await invite(roomId, address)).status).toBe(200);
    expect(await membershipOf(anna, roomId, frida.userId)).toBe('invite');
  });

  it('is asked for in the name of nobody who may not invite', async () => {
    const gero = await here.person('gero');
    const roomId = await anna.createRoom({ preset: 'public_chat', power_level_content_override: { invite: 50 } });
    const refusals = [await invite(roomId, newAddress(), gero)];
    await gero.must('POST', `${inRoom(roomId)}/join`);
    refusals.push(await invite(roomId, newAddress(), gero));
    expect(refusals.map(({ status, body }) => [status, body.errcode])).toEqual([
      [403, 'M_FORBIDDEN'],
      [403, 'M_FORBIDDEN'],
    ]);
    expect(identity.asked).toEqual([]);
  });

  it.each([
    [{ id_access_token: 'none-of-theirs' }, 403, 'M_THREEPID_AUTH_FAILED'],
    [{ id_access_token: 'a\nb' }, 400, 'M_BAD_JSON'],
    [{ id_server: '127.0.0.1:1' }, 502, 'M_UNKNOWN'],
    [{ id_server: 'user@host' }, 400, 'M_SERVER_NOT_TRUSTED'],
    [{ address: 'no address' }, 400, 'M_INVALID_PARAM'],
    [{ medium: 'pigeon' }, 400, 'M_BAD_JSON'],
    [{ address: undefined }, 400, 'M_BAD_JSON'],
  ])('is refused with %j, and nothing has changed', async (changes, status, errcode) => {
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    const answer = await anna.post(`${inRoom(roomId)}/invite`, { ...identity.of(newAddress()), ...changes });
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
    expect(await thirdPartyInvites(roomId)).toEqual([]);
  });
});

describe('a new room', () => {
  it(
    'invites addresses, whoever they belong to and those that are nobody’s',
    async () => {
      const hans = await here.person('hans');
      const [ofHans, ofBert, ofNobody] = [newAddress(), newAddress(), newAddress()];
      identity.owners.set(ofHans, hans.userId).set(ofBert, bert.userId);
      const invite_3pid = [ofHans, ofBert, ofNobody].map((address) => identity.of(address));
      const roomId = await anna.createRoom({ preset: 'private_chat', is_direct: true, invite_3pid });
      for (const guest of [hans, bert]) {
        await isInvitedTo(guest, roomId);
        const { body } = await anna.get(`${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(guest.userId)}`);
        expect(body).toMatchObject({ membership: 'invite', is_direct: true });
      }
      expect(await thirdPartyInvites(roomId)).toHaveLength(1);
    },
    LONG_MS,
  );

  it(
    'that trusts its invitees gives the creator’s power to those found by their addresses, too',
    async () => {
      const [hans, address] = [await here.person('hans'), newAddress()];
      identity.owners.set(address, hans.userId);
      const trusting = { preset: 'trusted_private_chat', room_version: '11', invite_3pid: [identity.of(address)] };
      const roomId = await anna.createRoom(trusting);
      const { users } = await anna.must('GET', `${inRoom(roomId)}/state/m.room.power_levels`);
      expect(users).toEqual({ [anna.userId]: 100, [hans.userId]: 100 });
    },
    LONG_MS,
  );

  it('is not made when the identity server does not know who asks', async () => {
    const ida = await here.person('ida');
    const invite_3pid = [identity.of(newAddress(), 'none-of-theirs')];
    const { status, body } = await ida.post('createRoom', { invite_3pid });
    expect([status, body.errcode]).toEqual([403, 'M_THREEPID_AUTH_FAILED']);
    expect((await ida.must('GET', 'joined_rooms')).joined_rooms).toEqual([]);
  });
});

describe('what an identity server tells', () => {
  it('is refused when it is about nobody here, or signed for somebody else', async () => {
    const address = newAddress();
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    const url = here.replica.url;
    const tell = (mxid: string, changes?: object) => identity.bind(address, mxid, url, changes);
    const refusals = [await tell(`@nobody:${here.name}`), await tell(bert.userId)];
    const other = { mxid: anna.userId, room_id: roomId, sender: anna.userId };
    const signed = identity.sign({ mxid: bert.userId, token: 'token0' });
    refusals.push(await tell(anna.userId, { invites: [{ ...other, signed }] }));
    expect(refusals.map(({ status, body }) => [status, body.errcode])).toEqual([
      [404, 'M_NOT_FOUND'],
      [400, 'M_INVALID_PARAM'],
      [400, 'M_INVALID_PARAM'],
    ]);
  });

  it('becomes no invite when it is signed by another one', async () => {
    const address = newAddress();
    const jana = await here.person('jana');
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    const other = await IdentityServer.start(authority);
    for (const [token, stored] of identity.invites) other.invites.set(token, stored);
    expect((await other.bind(address, jana.userId, here.replica.url)).status).toBe(200);
    expect(await membershipOf(anna, roomId, jana.userId)).toBeUndefined();
    await other.close();
  });

  it(
    'may be told again, when the server of who has sent the invite was away',
    async () => {
      const address = newAddress();
      const kurt = await there.person('kurt');
      const roomId = await anna.createRoom({ preset: 'private_chat' });
      await invite(roomId, address);
      await here.pause();
      expect((await identity.bind(address, kurt.userId, there.replica.url)).status).toBe(502);
      await here.resume();
      anna = here.again(anna);
      await soon(async () => {
        expect((await identity.bind(address, kurt.userId, there.replica.url)).status).toBe(200);
      });
      await isInvitedTo(kurt, roomId);
    },
    LONG_MS,
  );

  it('is not looked at with more signatures than an identity server gives', async () => {
    const { userId } = await here.person('mona');
    const signatures = { 'identity.test': Object.fromEntries([1, 2, 3, 4, 5].map((key) => [`ed25519:${key}`, 'x'])) };
    const signed = { mxid: userId, token: 'token', signatures };
    const invites = [{ mxid: userId, room_id: '!room:example.org', sender: anna.userId, signed }];
    const { status, body } = await identity.bind(newAddress(), userId, here.replica.url, { invites });
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON']);
  });

  it('invites nobody who does not want to be invited', async () => {
    const address = newAddress();
    const lena = await here.person('lena');
    const rules = { default_action: 'block' };
    await lena.must('PUT', `user/${encodeURIComponent(lena.userId)}/account_data/m.invite_permission_config`, rules);
    const roomId = await anna.createRoom({ preset: 'private_chat' });
    await invite(roomId, address);
    expect((await identity.bind(address, lena.userId, here.replica.url)).status).toBe(200);
    expect(await membershipOf(anna, roomId, lena.userId)).toBeUndefined();
  });
});
