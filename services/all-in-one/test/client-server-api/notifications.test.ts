import { eventually } from '@ganglion/testing';
import { Homeserver } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let urls: string[];
let alice: Person;
let bob: Person;
let rooms: string[];
beforeAll(async () => {
  homeserver = await Homeserver.create();
  urls = [(await homeserver.start()).url, (await homeserver.start()).url];
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(urls[0]!, 'alice'), Person.register(urls[1]!, 'bob')]);
  rooms = [];
  for (let index = 0; index < 2; index++) {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    await bob.must('POST', `${inRoom(roomId)}/join`);
    rooms.push(roomId);
  }
});

interface Notification {
  readonly actions: unknown[];
  readonly event: { readonly event_id: string; readonly content: { readonly body: string } };
  readonly read: boolean;
  readonly room_id: string;
  readonly ts: number;
}
const list = (query = '', who = bob): Promise<{ notifications: Notification[]; next_token?: string }> =>
  who.must('GET', `notifications${query}`);
const said = ({ notifications }: { notifications: Notification[] }) =>
  notifications.map(({ event }) => event.content.body);
const mention = (roomId: string, body: string) =>
  alice.must('PUT', `${inRoom(roomId)}/send/m.room.message/${body}`, {
    ...{ msgtype: 'm.text', body },
    'm.mentions': { user_ids: [bob.userId] },
  });
const soon = (expected: readonly string[], query = '') =>
  eventually(async () => expect(said(await list(query))).toEqual(expected));

describe('the list of notifications', () => {
  it('lists what somebody was told of, in all their rooms, the latest first, and what of it they have read', async () => {
    const first = await alice.say(rooms[0]!, 'one');
    await alice.say(rooms[1]!, 'two');
    await bob.say(rooms[1]!, 'mine');
    await mention(rooms[0]!, 'three');
    await soon(['three', 'two', 'one']);
    await bob.must('POST', `${inRoom(rooms[0]!)}/receipt/m.read/${encodeURIComponent(first)}`);
    await eventually(async () => {
      const { notifications, next_token } = await list();
      expect(notifications.map(({ room_id, read }) => [room_id, read])).toEqual([
        [rooms[0], false],
        [rooms[1], false],
        [rooms[0], true],
      ]);
      expect(notifications[0]?.actions).toEqual([
        'notify',
        { set_tweak: 'sound', value: 'default' },
        { set_tweak: 'highlight' },
      ]);
      expect(notifications[2]).toMatchObject({
        event: { event_id: first, sender: alice.userId },
        ts: expect.any(Number),
      });
      expect(next_token).toBeUndefined();
    });
  });

  it('goes on in pages, and tells of mentions alone to who wishes it', async () => {
    for (const body of ['1', '2', '3', '4', '5']) await alice.say(rooms[Number(body) % 2]!, body);
    await mention(rooms[1]!, 'you');
    await soon(['you', '5', '4', '3', '2', '1']);
    const pages: string[][] = [];
    for (let from = ''; ; ) {
      const page = await list(`?limit=4${from}`);
      pages.push(said(page));
      if (page.next_token === undefined) break;
      from = `&from=${page.next_token}`;
    }
    expect(pages).toEqual([
      ['you', '5', '4', '3'],
      ['2', '1'],
    ]);
    expect(said(await list('?only=highlight'))).toEqual(['you']);
  });

  it('reaches back behind much that nobody is told of', async () => {
    await alice.say(rooms[0]!, 'old');
    const quiet = (n: number) => alice.must('PUT', `${inRoom(rooms[0]!)}/send/org.example.quiet/${n}`, {});
    for (let n = 0; n < 130; n++) await quiet(n);
    await alice.say(rooms[0]!, 'new');
    await soon(['new', 'old']);
  });

  it('has nothing of rooms that were left or muted, of people who are ignored, and of what was taken back', async () => {
    const taken = await alice.say(rooms[0]!, 'taken back');
    await alice.say(rooms[0]!, 'stays');
    await alice.say(rooms[1]!, 'muted');
    await soon(['muted', 'stays', 'taken back']);
    await alice.must('PUT', `${inRoom(rooms[0]!)}/redact/${encodeURIComponent(taken)}/r`);
    await bob.must('PUT', `pushrules/global/room/${encodeURIComponent(rooms[1]!)}`, { actions: [] });
    await soon(['stays']);
    await bob.must('PUT', `user/${bob.userId}/account_data/m.ignored_user_list`, {
      ignored_users: { [alice.userId]: {} },
    });
    await soon([]);
    await bob.must('PUT', `user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: {} });
    await soon(['stays']);
    await bob.must('POST', `${inRoom(rooms[0]!)}/leave`);
    await soon([]);
  });

  it('is empty for who is in no room', async () => {
    expect(await list('', await Person.register(urls[0]!))).toEqual({ notifications: [] });
    expect((await bob.get('notifications?from=x')).status).toBe(400);
  });
});
