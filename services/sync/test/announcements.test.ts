import type { AppendRoom } from '../src/domain/append-batch.js';
import { Announcements } from '../src/domain/feed/announcements.js';

const ALICE = '@alice:one.test';
const BOB = '@bob:one.test';
const IN_NO_ROOM = () => false;

/** One that has heard everything from its beginning. */
async function listening(): Promise<Announcements> {
  const announcements = new Announcements({ heard: true, unread: async () => [] });
  await announcements.settledFor({ userId: ALICE, isIn: IN_NO_ROOM });
  return announcements;
}

const read = (announcements: Announcements, roomId: string, seq: number) =>
  announcements.apply({
    rooms: [{ roomId, seq } as AppendRoom],
    userSeqs: [],
  });

/** What has happened first, by name. */
async function order(...waits: [name: string, wait: Promise<void>][]): Promise<string[]> {
  const names: string[] = [];
  await Promise.all(waits.map(([name, wait]) => wait.then(() => names.push(name))));
  return names;
}

describe('what was announced and cannot be read yet', () => {
  const waitOf = (announcements: Announcements, userId: string, isIn: (roomId: string) => boolean = IN_NO_ROOM) =>
    announcements.settledFor({ userId, isIn });
  const others = { id: '!stuck:one.test', seq: 7, users: [BOB] };

  it('keeps nobody waiting who has nothing to do with the room', async () => {
    const announcements = await listening();
    announcements.announce(others);
    // Bob's waiting ends only when it is given up.
    const settled = order(['bob', waitOf(announcements, BOB)], ['alice', waitOf(announcements, ALICE)]);
    expect(await settled).toEqual(['alice', 'bob']);
  });

  it.each([
    ['who is in the room', { ...others, users: [] }, (roomId: string) => roomId === others.id],
    ['who has just come into it', others, IN_NO_ROOM],
    ['everybody, where nobody says whom it concerns', { id: others.id, seq: 7 }, IN_NO_ROOM],
    ['everybody, once nobody says so of one of several', { id: others.id, seq: 6 }, IN_NO_ROOM],
    ['whose own data it is', { id: BOB, seq: 7 }, IN_NO_ROOM],
  ])('is waited for by %s', async (_, announcement, isIn) => {
    const announcements = await listening();
    announcements.announce(announcement);
    if (announcement.seq < others.seq) announcements.announce(others);
    const bob = waitOf(announcements, BOB, isIn);
    let hasSettled = false;
    bob.then(() => {
      hasSettled = true;
    });
    await new Promise(setImmediate);
    expect(hasSettled).toBe(false);
    if (announcement.id === BOB) announcements.missed();
    else read(announcements, others.id, 7);
    await bob;
  });

  it('is known to be read also when it is announced after that', async () => {
    const announcements = await listening();
    read(announcements, others.id, 7);
    // A part of a large batch says nothing of how far the room has come.
    read(announcements, others.id, 0);
    announcements.announce(others);
    await Promise.all([waitOf(announcements, BOB), announcements.settled(others.id)]);
    announcements.begin();
    announcements.announce(others);
    let isRead = false;
    const again = waitOf(announcements, BOB).then(() => {
      isRead = true;
    });
    await new Promise(setImmediate);
    expect(isRead).toBe(false);
    read(announcements, others.id, 7);
    await again;
  });
});
