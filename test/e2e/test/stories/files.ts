import { randomBytes } from 'node:crypto';
import { eventually } from '@ganglion/testing';
import { MsgType } from 'matrix-js-sdk';
import { AppUser } from '../support/app-user.js';
import { Bot } from '../support/bot.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

/** A picture of one point, which every app can draw. */
const PICTURE = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

/** Files that people and bots send to each other. */
export function files(server: Server, story: Story): void {
  const open: AppUser[] = [];
  afterEach(() => {
    for (const user of open.splice(0)) user.close();
  });

  async function person(name: string): Promise<AppUser> {
    const user = await AppUser.register(server().url, fresh(name));
    open.push(user);
    return user.open();
  }

  async function fetched({ client }: AppUser, url: string | null): Promise<Response> {
    return fetch(url!, { headers: { authorization: `Bearer ${client.getAccessToken()}` } });
  }

  story(
    'a picture that an app sends is seen by others, large and small, and by nobody without an account',
    async () => {
      const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
      const { room_id: roomId } = await alice.client.createRoom({ invite: [bob.userId] });
      await bob.sees('invite', roomId);
      await bob.client.joinRoom(roomId);
      const { content_uri: url } = await alice.client.uploadContent(new Blob([PICTURE]), {
        ...{ name: 'A flower.png', type: 'image/png' },
      });
      await alice.client.sendMessage(roomId, { msgtype: MsgType.Image, body: 'A flower.png', url });
      const message = await bob.message(roomId, 'A flower.png');
      const link = (width?: number) =>
        bob.client.mxcUrlToHttp(
          message.getContent().url,
          width,
          width,
          width === undefined ? undefined : 'crop',
          false,
          true,
          true,
        );
      const whole = await fetched(bob, link());
      expect([whole.status, whole.headers.get('content-type')]).toEqual([200, 'image/png']);
      expect(whole.headers.get('content-disposition')).toBe('inline; filename="A flower.png"');
      expect(Buffer.from(await whole.arrayBuffer()).equals(PICTURE)).toBe(true);
      const small = await fetched(bob, link(32));
      expect([small.status, small.headers.get('content-type')]).toEqual([200, 'image/png']);
      expect((await fetch(link()!)).status).toBe(401);
      expect((await bob.client.getMediaConfig(true))['m.upload.size']).toBeGreaterThan(PICTURE.length);
    },
  );

  story('a file of a bot comes to people as it was, and one of theirs to the bot', async () => {
    const alice = await person('alice');
    const bot = await Bot.register(server().url, fresh('bot'));
    const bytes = randomBytes(200_000);
    const url = await bot.client.uploadContent(bytes, 'application/pdf', 'minutes.pdf');
    const { room_id: roomId } = await alice.client.createRoom({ invite: [bot.userId] });
    await bot.client.joinRoom(roomId);
    await bot.client.sendMessage(roomId, { msgtype: 'm.file', body: 'minutes.pdf', url });
    const message = await alice.message(roomId, 'minutes.pdf');
    const link = alice.client.mxcUrlToHttp(
      message.getContent().url,
      undefined,
      undefined,
      undefined,
      false,
      true,
      true,
    );
    expect(Buffer.from(await (await fetched(alice, link)).arrayBuffer()).equals(bytes)).toBe(true);
    const uploaded = await alice.client.uploadContent(new Blob([bytes]), { name: 'again.bin' });
    const { data } = await bot.client.downloadContent(uploaded.content_uri);
    expect(data.equals(bytes)).toBe(true);
  });

  story('the picture of a person is the picture that others see of them', async () => {
    const [alice, bob] = await Promise.all([person('alice'), person('bob')]);
    const { room_id: roomId } = await alice.client.createRoom({ invite: [bob.userId] });
    await bob.sees('invite', roomId);
    await bob.client.joinRoom(roomId);
    const { content_uri: url } = await alice.client.uploadContent(new Blob([PICTURE]), { type: 'image/png' });
    await alice.client.setAvatarUrl(url);
    await eventually(() => expect(bob.room(roomId).getMember(alice.userId)?.getMxcAvatarUrl()).toBe(url));
    expect(await bob.client.getProfileInfo(alice.userId)).toMatchObject({ avatar_url: url });
  });
}
