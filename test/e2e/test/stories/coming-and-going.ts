import { eventually } from '@ganglion/testing';
import { Preset, ReceiptType } from 'matrix-js-sdk';
import { AppUser } from '../support/app-user.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

/** Somebody who goes from device to device, and somebody who has to go and comes back. */
export function comingAndGoing(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const person of open.splice(0)) person.close();
  });

  async function opened(app: AppUser): Promise<AppUser> {
    open.push(app);
    return app.open();
  }
  const newcomer = async (name: string) => opened(await AppUser.register(server().url, fresh(name)));

  story('who goes from one device to the next finds everything as they left it', async () => {
    const [phone, bob] = await Promise.all([newcomer('alice'), newcomer('bob')]);
    const { room_id: roomId } = await bob.client.createRoom({ name: 'Talk', preset: Preset.PublicChat });
    await phone.client.joinRoom(roomId);
    const [laptop, tablet] = await Promise.all(
      [1, 2].map(async () => opened(await AppUser.logIn(server().url, phone.userId))),
    );
    const devices = [phone, laptop!, tablet!];
    await phone.say(roomId, 'Said on the way');
    await bob.message(roomId, 'Said on the way');
    await bob.say(roomId, 'An answer');
    await Promise.all(devices.map((device) => device.message(roomId, 'An answer')));
    const unread = (device: AppUser) => device.room(roomId).getUnreadNotificationCount();
    await Promise.all(devices.map((device) => eventually(() => expect(unread(device)).toBe(1))));

    await laptop!.client.sendReadReceipt(await laptop!.message(roomId, 'An answer'), ReceiptType.Read);
    await laptop!.client.setRoomTag(roomId, 'm.favourite', { order: 0.5 });
    await laptop!.client.setAccountData('org.example.draft' as never, { text: 'To be continued' } as never);
    for (const device of devices) {
      await eventually(() => {
        expect(unread(device)).toBe(0);
        expect(device.room(roomId).tags['m.favourite']).toEqual({ order: 0.5 });
        const draft = device.client.getAccountData('org.example.draft' as never);
        expect(draft?.getContent()).toEqual({ text: 'To be continued' });
      });
      expect(device.texts(roomId)).toEqual(['Said on the way', 'An answer']);
    }
    await tablet!.say(roomId, 'Continued');
    await Promise.all([phone, laptop!, bob].map((device) => device.message(roomId, 'Continued')));
  });

  story('who is banned hears nothing more and cannot come back, until they are forgiven', async () => {
    const [alice, bob] = await Promise.all([newcomer('alice'), newcomer('bob')]);
    const { room_id: roomId } = await alice.client.createRoom({ name: 'Peace', preset: Preset.PublicChat });
    await bob.client.joinRoom(roomId);
    await bob.sees('join', roomId);
    await bob.say(roomId, 'Something rude');
    await alice.message(roomId, 'Something rude');
    await alice.client.ban(roomId, bob.userId, 'Be nice');
    await bob.sees('ban', roomId);
    for (const attempt of [bob.client.sendTyping(roomId, true, 1_000), bob.client.joinRoom(roomId)]) {
      await expect(attempt).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    }
    await alice.say(roomId, 'It is quiet now');
    // Whatever comes to them comes in order: they would have heard that before.
    const { room_id: elsewhere } = await bob.client.createRoom({ name: 'Elsewhere' });
    await bob.sees('join', elsewhere);
    expect(bob.texts(roomId)).not.toContain('It is quiet now');

    await alice.client.unban(roomId, bob.userId);
    await bob.client.joinRoom(roomId);
    await bob.sees('join', roomId);
    await alice.say(roomId, 'Welcome back');
    await bob.message(roomId, 'Welcome back');
    await bob.say(roomId, 'I am sorry');
    await alice.message(roomId, 'I am sorry');
    await bob.scrollToTheTop(roomId);
    expect(bob.texts(roomId).slice(-3)).toEqual(['It is quiet now', 'Welcome back', 'I am sorry']);
  });
}
