import { type Asked, eventually, type FarServer } from '@ganglion/testing';
import { FarWriter, type Written } from '../../bench/far-writer.js';
import { Neighbours } from '../support/federation.js';
import type { Person } from '../support/person.js';

/** More than are told at once. */
const MEMBERS = 520;
const LONG_MS = 60_000;
const LAZY = encodeURIComponent('{"room":{"state":{"lazy_load_members":true}}}');

let neighbours: Neighbours;
let far: FarServer;
let room: FarWriter;
let everybody: string[];
/** What the other server says of the state before a join, once it says something. */
let whole: () => Promise<readonly Written[]>;
let tell: () => void;

beforeAll(async () => {
  neighbours = await Neighbours.meet();
  far = neighbours.far;
}, LONG_MS);
afterAll(() => neighbours.close(), LONG_MS);
beforeEach(() => {
  room = new FarWriter(far);
  const users = Array.from({ length: MEMBERS }, (_, index) => far.user(`user${index}`));
  for (const userId of users) room.join(userId);
  everybody = [far.user('creator'), ...users];
  const { promise, resolve } = Promise.withResolvers<void>();
  tell = resolve;
  const state = [...room.state];
  whole = () => promise.then(() => state);
  far.asked.length = 0;
  far.answering = answer;
});

const isMember = ({ pdu }: Written) => pdu.type === 'm.room.member' && pdu.state_key !== far.user('creator');
const pdus = (events: readonly Written[]) => events.map(({ pdu }) => pdu);
const ids = (events: readonly Written[]) => events.map(({ eventId }) => eventId);

async function answer({ path }: Asked): Promise<object | undefined> {
  if (path.includes('/send/')) return { pdus: {} };
  if (path.includes('/make_join/')) {
    const userId = decodeURIComponent(path.split('?', 1)[0]!.split('/').at(-1)!);
    return { room_version: room.version, event: room.template(userId) };
  }
  if (path.includes('/send_join/')) {
    const omitted = path.endsWith('?omit_members=true');
    const state = omitted ? room.state.filter((event) => !isMember(event)) : room.state;
    return {
      origin: far.name,
      members_omitted: omitted,
      servers_in_room: [far.name],
      state: pdus(state),
      auth_chain: [],
    };
  }
  if (path.includes('/state_ids/')) return { pdu_ids: ids(await whole()), auth_chain_ids: [] };
  if (path.includes('/state/')) return { pdus: pdus(await whole()), auth_chain: [] };
  return undefined;
}

const encoded = encodeURIComponent;
const join = (person: Person) => person.must('POST', `join/${encoded(room.roomId)}?via=${far.name}`);

/** What somebody is told of the room, from a token on or from the beginning. */
async function told(person: Person, { lazily = false, since }: { lazily?: boolean; since?: string } = {}) {
  const { body } = await person.get(`sync?${lazily ? `filter=${LAZY}&` : ''}${since ? `since=${since}` : ''}`);
  const shown = body.rooms?.join?.[room.roomId];
  const events: { type: string; state_key?: string; content: { body?: string } }[] = [
    ...(shown?.state.events ?? []),
    ...(shown?.timeline.events ?? []),
  ];
  const members = events.filter(({ type }) => type === 'm.room.member').map(({ state_key }) => state_key);
  const texts = events.flatMap(({ content }) => content.body ?? []);
  return { isThere: shown !== undefined, members, texts, token: body.next_batch as string, lists: body.device_lists };
}

it(
  'a large room of another server is talked in at once, and everybody in it is told of as soon as they are known',
  async () => {
    const alice = await neighbours.person('alice');
    const { token } = await told(alice);
    await join(alice);
    await alice.say(room.roomId, 'may I?');
    await eventually(async () => {
      expect(far.asked.some(({ path, body }) => path.includes('/send/') && body.includes('may I?'))).toBe(true);
    }, 30_000);
    const eventId = decodeURIComponent(/send_join\/[^/]+\/([^?]+)/.exec(far.asked.map(({ path }) => path).join())![1]!);
    room.say('you may', { eventId, pdu: {} });
    await far.send(neighbours.url, { pdus: [room.last.pdu] });
    await eventually(async () => expect((await told(alice, { lazily: true })).texts).toContain('you may'), 30_000);
    const early = await told(alice, { lazily: true });
    expect(early.texts).toEqual(['may I?', 'you may']);
    // A client that wants all members would take those few for all.
    expect((await told(alice)).isThere).toBe(false);
    const members = alice.get(`rooms/${encoded(room.roomId)}/members`);
    tell();
    const names = (await members).body.chunk.map(({ state_key }: { state_key: string }) => state_key);
    expect(names.sort()).toEqual([alice.userId, ...everybody].sort());
    const late = await told(alice, { since: token });
    expect(new Set(late.members)).toEqual(new Set([alice.userId, ...everybody]));
    expect(late.texts).toEqual(['may I?', 'you may']);
    expect(new Set(late.lists.changed)).toEqual(new Set([alice.userId, ...everybody]));
    // Who loads members lazily is not told of five hundred.
    const lazily = await told(alice, { lazily: true, since: early.token });
    expect(lazily.isThere).toBe(true);
    expect(lazily.members.length).toBeLessThan(20);
    expect((await alice.get(`rooms/${encoded(room.roomId)}/joined_members`)).body.joined).toHaveProperty([
      far.user('user7'),
    ]);
  },
  LONG_MS,
);

it(
  'somebody else comes to the room once it is known whether they may',
  async () => {
    const [alice, bob] = [await neighbours.person('alice'), await neighbours.person('bob')];
    await join(alice);
    const joining = join(bob);
    await alice.say(room.roomId, 'Bob?');
    tell();
    await joining;
    expect((await told(bob)).members).toHaveLength(MEMBERS + 3);
  },
  LONG_MS,
);

it(
  'a server that tells of another room is not believed, and asked again',
  async () => {
    const alice = await neighbours.person('alice');
    const right = whole;
    const others = new FarWriter(far).state;
    whole = async () => [...others, ...Array.from({ length: MEMBERS }, () => others[1]!)];
    await join(alice);
    const questions = () => far.asked.filter(({ path }) => path.includes('/state_ids/')).length;
    await eventually(async () => expect(questions()).toBeGreaterThan(2), 30_000);
    expect((await told(alice)).isThere).toBe(false);
    whole = right;
    tell();
    await eventually(async () => expect((await told(alice)).members).toHaveLength(MEMBERS + 2), 30_000);
  },
  LONG_MS,
);

it(
  'a small room is joined with everybody in it',
  async () => {
    room = new FarWriter(far);
    room.join(far.user('one'));
    whole = async () => room.state;
    const alice = await neighbours.person('alice');
    await join(alice);
    await eventually(async () => expect((await told(alice)).members).toHaveLength(3), 30_000);
  },
  LONG_MS,
);
