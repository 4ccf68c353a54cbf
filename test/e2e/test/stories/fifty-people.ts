import { eventually, MatrixUser, SyncReader } from '@ganglion/testing';
import { AppUser } from '../support/app-user.js';
import { Bot } from '../support/bot.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

const READERS = 48;
const MESSAGES_EACH = 2;
const MESSAGES = (READERS + 2) * MESSAGES_EACH;

/** A full room. */
export function fiftyPeople(server: Server, story: Story): void {
  story('fifty people who all talk at once all see all messages, each once and in the same order', async () => {
    const { url } = server();
    const [app, bot, ...users] = await Promise.all([
      AppUser.register(url, fresh('app')),
      Bot.register(url, fresh('bot')),
      ...Array.from({ length: READERS }, () => MatrixUser.register(url, fresh('person'))),
    ]);
    const roomId = await app.client.createRoom({ preset: 'public_chat' as never }).then(({ room_id }) => room_id);
    await Promise.all([bot.client.joinRoom(roomId), ...users.map((user) => user.join(roomId))]);

    const readers = users.map((user) => new SyncReader(user));
    await Promise.all(readers.map((reader) => reader.read()));
    const heard: string[] = [];
    bot.client.on('room.message', (_roomId: string, event: { event_id: string }) => void heard.push(event.event_id));
    try {
      await Promise.all([app.open(), bot.client.start({ room: { timeline: { limit: 100 } } })]);
      const say = (text: string) => [
        app.say(roomId, text),
        bot.client.sendText(roomId, text),
        ...users.map((user) => user.sendText(roomId, text)),
      ];
      const sent: string[] = [];
      for (let round = 0; round < MESSAGES_EACH; round++) sent.push(...(await Promise.all(say(`round ${round}`))));

      const read = (reader: SyncReader | undefined) => messageIds(reader?.timeline(roomId) ?? []);
      await Promise.all(readers.map((reader) => reader.until(() => read(reader).length >= MESSAGES)));
      await eventually(() => expect(heard).toHaveLength(MESSAGES));
      await eventually(() => expect(app.events(roomId).at(-1)?.getId()).toBe(read(readers[0]).at(-1)));
      await app.scrollToTheTop(roomId);

      const order = read(readers[0]);
      expect(order.toSorted()).toEqual(sent.toSorted());
      for (const reader of readers) expect(read(reader)).toEqual(order);
      expect(heard).toEqual(order);
      expect(messageIds(app.events(roomId).map(({ event }) => event as never))).toEqual(order);
    } finally {
      app.close();
      bot.client.stop();
    }
  });
}

function messageIds(events: readonly { type: string; event_id: string }[]): string[] {
  return events.filter(({ type }) => type === 'm.room.message').map(({ event_id }) => event_id);
}
