import { randomBytes } from 'node:crypto';
import { eventually } from '@ganglion/testing';
import { AppUser } from './support/app-user.js';
import { Bot } from './support/bot.js';
import { cryptoOf } from './support/encrypting-app.js';
import { type FederatedServers, startFederatedServers } from './support/federated-servers.js';
import { fresh } from './support/names.js';

const ENCRYPTION = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
/** A picture of one point, which every app can draw. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const PATIENCE_MS = 60_000;
const LONG_MS = 180_000;

let federation: FederatedServers;
const open: AppUser[] = [];

beforeAll(async () => {
  federation = await startFederatedServers(2);
}, LONG_MS);
afterAll(() => federation?.close(), LONG_MS);
afterEach(() => {
  for (const user of open.splice(0)) user.close();
});

async function opened(user: AppUser): Promise<AppUser> {
  open.push(user);
  return user.openEncrypted();
}

const urlOf = (server: 0 | 1) => federation.servers[server]!.url;
const person = async (name: string, server: 0 | 1) => opened(await AppUser.register(urlOf(server), fresh(name)));

/** A message that was encrypted, as the app shows it. */
async function read(user: AppUser, roomId: string, text: string): Promise<void> {
  const event = await eventually(() => user.message(roomId, text), PATIENCE_MS);
  expect(event.isEncrypted()).toBe(true);
}

async function sharedRoom(one: AppUser, other: AppUser): Promise<string> {
  const { room_id: roomId } = await one.client.createRoom({ invite: [other.userId], initial_state: [ENCRYPTION] });
  await eventually(() => other.sees('invite', roomId), PATIENCE_MS);
  await other.client.joinRoom(roomId);
  await eventually(() => other.sees('join', roomId), PATIENCE_MS);
  await eventually(() => expect(one.room(roomId).getMember(other.userId)?.membership).toBe('join'), PATIENCE_MS);
  return roomId;
}

it(
  'two people of two servers read each other, on a device that comes later and after one server was away, too',
  () =>
    federation.explaining(async () => {
      const [alice, bob] = await Promise.all([person('alice', 0), person('bob', 1)]);
      const roomId = await sharedRoom(alice, bob);
      const sent = await alice.say(roomId, 'Hello');
      await read(bob, roomId, 'Hello');
      const stored = await bob.client.fetchRoomEvent(roomId, sent);
      expect([stored.type, JSON.stringify(stored.content).includes('Hello')]).toEqual(['m.room.encrypted', false]);
      await bob.say(roomId, 'Hello yourself');
      await read(alice, roomId, 'Hello yourself');

      const phone = await opened(await AppUser.logIn(urlOf(0), alice.userId));
      await phone.sees('join', roomId);
      await eventually(async () => {
        const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId]);
        expect(devices.get(alice.userId)?.size).toBe(2);
      }, PATIENCE_MS);
      await bob.say(roomId, 'And to your phone');
      await Promise.all([alice, phone].map((device) => read(device, roomId, 'And to your phone')));

      const { process } = federation.servers[1]!;
      await process.stop();
      await phone.say(roomId, 'While you were away');
      await process.start();
      await read(bob, roomId, 'While you were away');
      await phone.client.logout(true);
      await eventually(async () => {
        const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId]);
        expect([...(devices.get(alice.userId)?.keys() ?? [])]).toEqual([alice.client.getDeviceId()]);
      }, PATIENCE_MS);
    }),
  LONG_MS,
);

it(
  'a picture of an app is seen on another server, large and small, and a file of a bot there comes to the app',
  () =>
    federation.explaining(async () => {
      const [alice, bob] = await Promise.all(
        ([0, 1] as const).map(async (server) => {
          const user = await AppUser.register(urlOf(server), fresh('person'));
          open.push(user);
          return user.open();
        }),
      );
      const bot = await Bot.register(urlOf(1), fresh('bot'));
      const fetched = async ({ client }: AppUser, uri: string, width?: number) => {
        const method = width === undefined ? undefined : 'crop';
        const url = client.mxcUrlToHttp(uri, width, width, method, false, true, true);
        const answer = await fetch(url!, { headers: { authorization: `Bearer ${client.getAccessToken()}` } });
        expect(answer.status).toBe(200);
        return { type: answer.headers.get('content-type'), bytes: Buffer.from(await answer.arrayBuffer()) };
      };
      const about = { name: 'A flower.png', type: 'image/png' };
      const { content_uri: picture } = await alice!.client.uploadContent(new Blob([PICTURE]), about);
      // Thumbnails are often asked for first.
      expect((await fetched(bob!, picture, 32)).type).toBe('image/png');
      expect(await fetched(bob!, picture)).toEqual({ type: 'image/png', bytes: PICTURE });
      expect((await bot.client.downloadContent(picture)).data.equals(PICTURE)).toBe(true);

      const bytes = randomBytes(3_000_000);
      const file = await bot.client.uploadContent(bytes, 'application/pdf', 'minutes.pdf');
      const [first, second] = await Promise.all([fetched(alice!, file), fetched(alice!, file)]);
      for (const got of [first, second]) expect([got.type, got.bytes.equals(bytes)]).toEqual(['application/pdf', true]);
    }),
  LONG_MS,
);
