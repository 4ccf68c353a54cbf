import { eventually, MatrixUser } from '@ganglion/testing';
import { AppUser } from '../support/app-user.js';
import { Bot, sdk } from '../support/bot.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

type Message = { readonly sender: string; readonly content: { readonly body?: string } };

/** What bots do, and what people see of it. */
export function bots(server: Server, story: Story): void {
  const end: (() => void)[] = [];
  afterEach(() => {
    for (const step of end.splice(0)) step();
  });

  async function person(name: string): Promise<AppUser> {
    const user = await AppUser.register(server().url, fresh(name));
    end.push(() => user.close());
    return user.open();
  }

  async function start(bot: Bot): Promise<Bot> {
    end.push(() => bot.client.stop());
    await bot.client.start();
    return bot;
  }

  const makeBot = () => Bot.register(server().url, fresh('bot'));

  story('a bot comes when it is invited, and answers who speaks to it', async () => {
    const alice = await person('alice');
    const bot = await makeBot();
    sdk.AutojoinRoomsMixin.setupOnClient(bot.client);
    bot.client.on('room.message', async (roomId: string, event: Message) => {
      if (event.content.body === '!ping') await bot.client.replyText(roomId, event, 'pong');
    });
    await start(bot);
    const { room_id: roomId } = await alice.client.createRoom({ invite: [bot.userId] });
    await eventually(() => expect(alice.client.getRoom(roomId)?.getMember(bot.userId)?.membership).toBe('join'));
    const question = await alice.say(roomId, '!ping');
    const answer = await alice.message(roomId, /pong$/);
    expect(answer.replyEventId).toBe(question);
    expect(await bot.client.getJoinedRooms()).toEqual([roomId]);
  });

  story('a bot finds its room by name, and who is in it', async () => {
    const alice = await person('alice');
    const bot = await makeBot();
    const name = fresh('garden');
    const roomId = await bot.client.createRoom({ preset: 'public_chat', room_alias_name: name });
    const alias = `#${name}:${bot.userId.split(':')[1]}`;
    expect(await bot.client.resolveRoom(alias)).toBe(roomId);
    await alice.client.joinRoom(alias);
    await alice.sees('join', roomId);
    expect((await bot.client.getJoinedRoomMembers(roomId)).toSorted()).toEqual([alice.userId, bot.userId].toSorted());
    await bot.client.setDisplayName('The Gardener');
    await eventually(() => expect(alice.room(roomId).getMember(bot.userId)?.name).toBe('The Gardener'));
    const eventId = await bot.client.sendText(roomId, 'Mind the roses');
    expect((await alice.message(roomId, 'Mind the roses')).getId()).toBe(eventId);
    expect((await bot.client.getEvent(roomId, eventId)).content.body).toBe('Mind the roses');
  });

  story('who is kicked may come back, who is banned may not until the ban is lifted', async () => {
    const alice = await person('alice');
    const bot = await makeBot();
    const roomId = await bot.client.createRoom({ preset: 'public_chat' });
    await alice.client.joinRoom(roomId);
    await alice.sees('join', roomId);
    await bot.client.kickUser(alice.userId, roomId, 'calm down');
    await alice.sees('leave', roomId);
    const kick = alice.room(roomId).getMember(alice.userId)?.events.member;
    expect([kick?.getSender(), kick?.getContent().reason]).toEqual([bot.userId, 'calm down']);
    await alice.client.joinRoom(roomId);
    await alice.sees('join', roomId);
    await bot.client.banUser(alice.userId, roomId);
    await alice.sees('ban', roomId);
    await expect(alice.client.joinRoom(roomId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await bot.client.unbanUser(alice.userId, roomId);
    await alice.client.joinRoom(roomId);
    await alice.sees('join', roomId);
  });

  story('a bot that was stopped hears on its return what was said meanwhile, each word once', async () => {
    const alice = await person('alice');
    const first = await makeBot();
    const heard: string[] = [];
    const listen = (bot: Bot) =>
      bot.client.on('room.message', (_roomId: string, event: Message) => void heard.push(event.content.body ?? ''));
    listen(first);
    await start(first);
    const roomId = await first.client.createRoom({ invite: [alice.userId] });
    await alice.sees('invite', roomId);
    await alice.client.joinRoom(roomId);
    await alice.say(roomId, 'one');
    await eventually(() => expect(heard).toEqual(['one']));
    first.client.stop();
    await alice.say(roomId, 'two');
    await alice.say(roomId, 'three');
    const second = await first.restarted();
    listen(second);
    await start(second);
    await alice.say(roomId, 'four');
    await eventually(() => expect(heard).toContain('four'));
    expect(heard).toEqual(['one', 'two', 'three', 'four']);
  });

  story('a bot that checks signatures itself gets events as servers do, without what was redacted', async () => {
    const user = await MatrixUser.register(server().url, fresh('auditor'));
    const roomId = await user.createRoom({ name: 'Rude', preset: 'private_chat' });
    const room = `rooms/${encodeURIComponent(roomId)}`;
    const state = await user.call<{ type: string; event_id: string }[]>('GET', `${room}/state`);
    const name = state.find(({ type }) => type === 'm.room.name')?.event_id ?? '';
    await user.call('PUT', `${room}/state/m.room.name`, { body: { name: 'Polite' } });
    await user.call('PUT', `${room}/redact/${encodeURIComponent(name)}/1`, { body: {} });
    const last = await user.sendText(roomId, 'Clean');
    const body = { event_format: 'federation', room: { timeline: { limit: 50 } } };
    const path = `user/${encodeURIComponent(user.userId)}/filter`;
    const { filter_id: filter } = await user.call<{ filter_id: string }>('POST', path, { body });
    type Event = { event_id: string; hashes: object; signatures: object; auth_events: string[]; depth: number };
    type Answer = { rooms: { join: Record<string, { timeline: { events: Event[] } }> } };
    await eventually(async () => {
      const { rooms } = await user.call<Answer>('GET', 'sync', { query: { filter } });
      const events = rooms.join[roomId]?.timeline.events ?? [];
      expect(events.at(-1)?.event_id).toBe(last);
      expect(events.map(({ depth }) => depth)).toEqual(events.map((_, index) => index + 1));
      for (const { hashes, signatures } of events) expect([hashes, signatures]).not.toContain(undefined);
      expect(JSON.stringify(events)).toContain('Polite');
      expect(JSON.stringify(events)).not.toContain('Rude');
    });
  });
}
