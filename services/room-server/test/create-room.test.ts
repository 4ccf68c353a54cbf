import { jest } from '@jest/globals';
import { audit } from './support/audit.js';
import { ALICE, BOB, countOf, createRoom, rulesOf, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replicas: [Replica, Replica];
beforeAll(async () => {
  servers = await RoomServers.create();
  replicas = [await servers.start(), await servers.start()];
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => servers.close());

describe('rooms that are alike in everything, also in the millisecond', () => {
  it.each(['1', '11', '12'])('are different rooms in version %s', async (version) => {
    jest.spyOn(Date, 'now').mockReturnValue(1_700_000_000_000);
    const rooms = await Promise.all(
      Array.from({ length: 12 }, (_, index) => createRoom(replicas[index % 2]!, { version })),
    );
    expect(new Set(rooms).size).toBe(12);
    for (const roomId of rooms) audit(await storedEvents(replicas[0].db, roomId), rulesOf(version), servers.keys);
  });
});

describe('an alias', () => {
  it('goes to one of those who make a room with it at once; the others make none', async () => {
    const before = await countOf(replicas[0].db, 'room_server.rooms');
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => createRoom(replicas[index % 2]!, { alias: '#wanted:one.test' })),
    );
    const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(made).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ status: 400, errcode: 'M_ROOM_IN_USE' });
    }
    const target = await replicas[1].roomDirectory.resolveAlias({ alias: '#wanted:one.test' });
    expect(target).toEqual({ roomId: made[0], servers: ['one.test'] });
    expect(await countOf(replicas[0].db, 'room_server.rooms')).toBe(before + 1);
  });

  it('that is given to a room later goes to one of those who ask at once', async () => {
    const [one, two] = await Promise.all(replicas.map((replica) => createRoom(replica)));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) =>
        replicas[index % 2]!.roomDirectory.createAlias({
          alias: '#raced:one.test',
          roomId: index < 4 ? one! : two!,
          userId: ALICE,
        }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ status: 409 });
    }
  });

  it('cannot be given to a room that does not exist', async () => {
    const request = { alias: '#nowhere:one.test', roomId: '!nowhere:one.test', userId: ALICE };
    await expect(replicas[0].roomDirectory.createAlias(request)).rejects.toMatchObject({ errcode: 'M_NOT_FOUND' });
  });
});

describe('a room that cannot be', () => {
  const rooms = async () => countOf(replicas[0].db, 'room_server.rooms');

  it.each<[string, Parameters<typeof createRoom>[1], string]>([
    ['of an unknown version', { version: '12', more: [] }, 'M_UNSUPPORTED_ROOM_VERSION'],
    [
      'whose creator gives away the power to go on',
      {
        version: '11',
        powerLevels: { users: { [ALICE]: 0 }, state_default: 50 },
        more: [{ type: 'm.room.topic', stateKey: '', content: { topic: 'nobody may' } }],
      },
      'M_INVALID_ROOM_STATE',
    ],
    ['with power levels that version 12 refuses', { powerLevels: { users: { [ALICE]: 100 } } }, 'M_INVALID_ROOM_STATE'],
    [
      'with a member event of somebody else',
      { more: [{ type: 'm.room.member', stateKey: BOB, content: { membership: 'join' } }] },
      'M_INVALID_ROOM_STATE',
    ],
    [
      'with an event that is too large',
      { more: [{ type: 'm.room.topic', stateKey: '', content: { topic: 'x'.repeat(70_000) } }] },
      'M_TOO_LARGE',
    ],
    [
      'with a state key that is too long',
      { more: [{ type: 'm.thing', stateKey: 'é'.repeat(128), content: {} }] },
      'M_TOO_LARGE',
    ],
    [
      'with a number that nobody can sign',
      { more: [{ type: 'm.thing', stateKey: '', content: { n: 1.5 } }] },
      'M_BAD_JSON',
    ],
  ])('%s leaves nothing behind', async (_, options, errcode) => {
    const before = await rooms();
    const attempt =
      errcode === 'M_UNSUPPORTED_ROOM_VERSION'
        ? replicas[0].rooms.createRoom({ roomVersion: '99', creator: ALICE, events: [], published: false })
        : createRoom(replicas[0], options);
    await expect(attempt).rejects.toMatchObject({ errcode });
    expect(await rooms()).toBe(before);
    expect(
      await countOf(
        replicas[0].db,
        'room_server.events e WHERE NOT EXISTS (SELECT FROM room_server.rooms r WHERE r.room_nid = e.room_nid)',
      ),
    ).toBe(0);
  });

  it('of somebody who is not ours is refused', async () => {
    const attempt = createRoom(replicas[0], { creator: '@mallory:elsewhere.test' });
    await expect(attempt).rejects.toMatchObject({ status: 400 });
  });
});
