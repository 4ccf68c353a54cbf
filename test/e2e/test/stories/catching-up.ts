import { MatrixUser, SyncReader } from '@ganglion/testing';
import { AppUser } from '../support/app-user.js';
import type { Server, Story } from '../support/everywhere.js';
import { fresh } from '../support/names.js';

const texts = (count: number, what: string) => Array.from({ length: count }, (_, index) => `${what} ${index}`);

/** What somebody sees who was away. */
export function catchingUp(server: Server, story: Story): void {
  async function twoInARoom() {
    const { url } = server();
    const alice = await MatrixUser.register(url, fresh('alice'));
    const bob = await AppUser.register(url, fresh('bob'));
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.client.joinRoom(roomId);
    return { alice, bob, roomId };
  }

  story('who opens the app after a long time sees the last messages, and all others by scrolling up', async () => {
    const { alice, bob, roomId } = await twoInARoom();
    const said = texts(75, 'message');
    for (const text of said) await alice.sendText(roomId, text);
    await bob.open();
    try {
      expect(bob.texts(roomId)).toEqual(said.slice(-bob.texts(roomId).length));
      expect(bob.texts(roomId).length).toBeGreaterThan(10);
      expect(bob.texts(roomId).length).toBeLessThan(75);
      await bob.scrollToTheTop(roomId);
      expect(bob.texts(roomId)).toEqual(said);
      expect(bob.events(roomId)[0]?.getType()).toBe('m.room.create');
    } finally {
      bob.close();
    }
  });

  story('who was offline for a while gets all of what was missed, once and in order', async () => {
    const { alice, bob, roomId } = await twoInARoom();
    const reader = new SyncReader(new MatrixUser({ url: server().url, ...credentialsOf(bob) }));
    await reader.until(() => reader.timeline(roomId).length > 0);
    const before = reader.timeline(roomId).length;
    const missed = texts(230, 'missed');
    for (const text of missed) await alice.sendText(roomId, text);
    await reader.until(() => reader.timeline(roomId).length >= before + missed.length);
    expect(
      reader
        .timeline(roomId)
        .slice(before)
        .map(({ content }) => content.body),
    ).toEqual(missed);
  });

  story('a gap in what was missed is marked, and what is before it is found at its mark', async () => {
    const { alice, bob, roomId } = await twoInARoom();
    const user = new MatrixUser({ url: server().url, ...credentialsOf(bob) });
    const reader = new SyncReader(user);
    await reader.until(() => reader.timeline(roomId).length > 0);
    const { since } = reader;
    for (const text of texts(12, 'missed')) await alice.sendText(roomId, text);
    type Answer = { rooms: { join: Record<string, { timeline: Timeline }> } };
    type Timeline = { limited: boolean; prev_batch: string; events: { content: { body: string } }[] };
    const filter = JSON.stringify({ room: { timeline: { limit: 5 } } });
    const sync = () => user.call<Answer>('GET', 'sync', { query: { since, filter } });
    let { rooms } = await sync();
    while (rooms.join[roomId]?.timeline.events.at(-1)?.content.body !== 'missed 11') ({ rooms } = await sync());
    const { timeline } = rooms.join[roomId] as { timeline: Timeline };
    expect(timeline.limited).toBe(true);
    expect(timeline.events.map(({ content }) => content.body)).toEqual(texts(12, 'missed').slice(-5));
    const query = { dir: 'b', from: timeline.prev_batch, to: since };
    const path = `rooms/${encodeURIComponent(roomId)}/messages`;
    const { chunk } = await user.call<{ chunk: Timeline['events'] }>('GET', path, { query });
    expect(chunk.map(({ content }) => content.body)).toEqual(texts(7, 'missed').reverse());
  });

  story('who joins a public room late reads what was said before', async () => {
    const { alice, roomId } = await twoInARoom();
    const said = texts(5, 'early');
    for (const text of said) await alice.sendText(roomId, text);
    const carol = await AppUser.register(server().url, fresh('carol'));
    await carol.open();
    try {
      await carol.client.joinRoom(roomId);
      await carol.sees('join', roomId);
      await carol.scrollToTheTop(roomId);
      expect(carol.texts(roomId)).toEqual(said);
    } finally {
      carol.close();
    }
  });
}

function credentialsOf({ client, userId }: AppUser) {
  return { userId, accessToken: client.getAccessToken() ?? '', deviceId: client.getDeviceId() ?? '' };
}
