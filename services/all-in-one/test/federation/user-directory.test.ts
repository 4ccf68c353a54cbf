import type { Person } from '../support/person.js';
import { join, LONG_MS, membershipOf, soon, TwoHomeservers } from '../support/two-homeservers.js';

let servers: TwoHomeservers;
beforeAll(async () => {
  servers = await TwoHomeservers.start();
}, LONG_MS);
afterAll(() => servers?.close(), LONG_MS);

const search = (who: Person, search_term: string) => who.must('POST', 'user_directory/search', { search_term });
const found = async (who: Person, term: string): Promise<string[]> =>
  (await search(who, term)).results.map(({ user_id }: { user_id: string }) => user_id);

it(
  'the user directory finds users of other servers by name and id: those with whom one shares a room, and those in public ones',
  async () => {
    const { here, there, anna, bert } = servers;
    const [carl, dora] = [await here.person('carl'), await there.person('dora')];
    await bert.must('PUT', `profile/${bert.userId}/displayname`, { displayname: 'Bert "the \\" Brontosaurus' });
    await bert.must('PUT', `profile/${bert.userId}/avatar_url`, { avatar_url: 'mxc://there.test/face' });
    await dora.must('PUT', `profile/${dora.userId}/displayname`, { displayname: 'Brontosaurus' });
    expect(await found(anna, 'brontosaurus')).toEqual([]);

    const roomId = await anna.createRoom({ preset: 'public_chat' });
    await join(bert, roomId, here);
    await soon(async () => expect(await membershipOf(anna, roomId, bert.userId)).toBe('join'));
    expect(await search(anna, 'bRONTO')).toEqual({
      results: [
        { user_id: bert.userId, display_name: 'Bert "the \\" Brontosaurus', avatar_url: 'mxc://there.test/face' },
      ],
      limited: false,
    });
    expect(await found(anna, '"the \\')).toEqual([bert.userId]);
    expect(await found(anna, bert.userId)).toEqual([bert.userId]);
    // Words that only the text of the event has are no part of the name.
    expect(await found(anna, 'm.room.member')).toEqual([]);
    expect(await found(carl, 'bronto')).toEqual([]);

    const open = await anna.createRoom({ preset: 'public_chat', visibility: 'public' });
    await join(dora, open, here);
    await soon(async () => expect(await membershipOf(anna, open, dora.userId)).toBe('join'));
    expect(await found(anna, 'brontosaurus')).toEqual([dora.userId, bert.userId]);
    expect(await found(carl, 'brontosaurus')).toEqual([dora.userId]);
    await carl.must('PUT', `profile/${carl.userId}/displayname`, { displayname: 'Brontosaurus rex' });
    await join(carl, open, here);
    expect(await found(anna, 'brontosaurus')).toEqual([dora.userId, carl.userId, bert.userId]);

    await bert.must('POST', `rooms/${encodeURIComponent(roomId)}/leave`);
    await soon(async () => expect(await found(anna, 'bert')).toEqual([]));
  },
  LONG_MS,
);
