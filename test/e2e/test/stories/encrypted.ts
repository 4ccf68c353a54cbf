import { eventually } from '@ganglion/testing';
import { AppUser } from '../support/app-user.js';
import { backedUp, cryptoOf, setUpEncryption, verifyByEmoji } from '../support/encrypting-app.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

const ENCRYPTION = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };

/** People whose messages nobody can read but them. */
export function encrypted(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const user of open.splice(0)) user.close();
  });

  async function opened(user: AppUser): Promise<AppUser> {
    open.push(user);
    return user.openEncrypted();
  }
  const person = async (name: string) => opened(await AppUser.register(server().url, fresh(name)));
  const deviceOf = async (user: AppUser) => opened(await AppUser.logIn(server().url, user.userId));

  async function sharedRoom(one: AppUser, other: AppUser): Promise<string> {
    const { room_id: roomId } = await one.client.createRoom({
      ...{ invite: [other.userId], initial_state: [ENCRYPTION] },
    });
    await other.sees('invite', roomId);
    await other.client.joinRoom(roomId);
    await other.sees('join', roomId);
    await eventually(() => expect(one.room(roomId).getMember(other.userId)?.membership).toBe('join'));
    return roomId;
  }

  story('two people read each other, on a device that comes later, too, and the server reads nothing', async () => {
    const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
    const roomId = await sharedRoom(alice, bob);
    const sent = await alice.say(roomId, 'Hello');
    expect((await bob.message(roomId, 'Hello')).isEncrypted()).toBe(true);
    const stored = await alice.client.fetchRoomEvent(roomId, sent);
    expect([stored.type, JSON.stringify(stored.content).includes('Hello')]).toEqual(['m.room.encrypted', false]);
    await bob.say(roomId, 'Hello yourself');
    await alice.message(roomId, 'Hello yourself');
    const phone = await deviceOf(alice);
    await phone.sees('join', roomId);
    await eventually(async () => {
      const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId]);
      expect(devices.get(alice.userId)?.size).toBe(2);
    });
    await bob.say(roomId, 'And to your phone');
    await Promise.all([alice, phone].map((device) => device.message(roomId, 'And to your phone')));
  });

  story('a new device is verified by emoji, is trusted by others, and reads what was said before', async () => {
    const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
    await setUpEncryption(alice);
    const roomId = await sharedRoom(alice, bob);
    await bob.say(roomId, 'Before');
    await alice.message(roomId, 'Before');
    await backedUp(alice);
    const phone = await deviceOf(alice);
    await eventually(async () => {
      const devices = await cryptoOf(alice).getUserDeviceInfo([alice.userId]);
      expect(devices.get(alice.userId)?.size).toBe(2);
    });
    await verifyByEmoji(phone, alice);
    const phoneId = phone.client.getDeviceId()!;
    await eventually(async () => {
      const status = await cryptoOf(bob).getDeviceVerificationStatus(alice.userId, phoneId);
      expect(status?.signedByOwner).toBe(true);
    });
    // The key of the backup comes from the other device, message by message.
    await eventually(async () => expect(await cryptoOf(phone).getSessionBackupPrivateKey()).not.toBeNull());
    await cryptoOf(phone).checkKeyBackupAndEnable();
    await cryptoOf(phone).restoreKeyBackup();
    await phone.message(roomId, 'Before');
  });

  story('a recovery key alone restores everything on a new device', async () => {
    const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
    await setUpEncryption(alice);
    const roomId = await sharedRoom(alice, bob);
    await bob.say(roomId, 'Long ago');
    await alice.message(roomId, 'Long ago');
    await backedUp(alice);
    await alice.client.logout(true);
    const phone = await deviceOf(alice);
    phone.recoveryKey = alice.recoveryKey;
    const crypto = cryptoOf(phone);
    await eventually(async () => expect(await crypto.userHasCrossSigningKeys(alice.userId, true)).toBe(true));
    await crypto.bootstrapCrossSigning({});
    await crypto.loadSessionBackupPrivateKeyFromSecretStorage();
    await crypto.checkKeyBackupAndEnable();
    expect((await crypto.restoreKeyBackup()).imported).toBe(1);
    await phone.message(roomId, 'Long ago');
    await eventually(async () => {
      const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId], true);
      expect([...(devices.get(alice.userId)?.keys() ?? [])]).toEqual([phone.client.getDeviceId()]);
    });
  });

  story('what is said while nobody is logged in is read with the help of a dehydrated device', async () => {
    const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
    await setUpEncryption(alice);
    const roomId = await sharedRoom(alice, bob);
    expect(await cryptoOf(alice).isDehydrationSupported()).toBe(true);
    await cryptoOf(alice).startDehydration();
    await alice.client.logout(true);
    await eventually(async () => {
      const devices = await cryptoOf(bob).getUserDeviceInfo([alice.userId], true);
      expect([...(devices.get(alice.userId)?.values() ?? [])].map(({ dehydrated }) => dehydrated)).toEqual([true]);
    });
    await bob.say(roomId, 'While you were out');
    const phone = await deviceOf(alice);
    phone.recoveryKey = alice.recoveryKey;
    const crypto = cryptoOf(phone);
    await eventually(async () => expect(await crypto.userHasCrossSigningKeys(alice.userId, true)).toBe(true));
    await crypto.bootstrapCrossSigning({});
    await crypto.startDehydration();
    await phone.message(roomId, 'While you were out');
  });
}
