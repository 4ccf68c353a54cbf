import { Deployment, type Replica } from './support/deployment.js';
import type { Person } from './support/person.js';

interface ClientEvent {
  readonly event_id: string;
  readonly type: string;
  readonly content: { readonly body?: string };
}

const EVERYTHING = { room: { timeline: { limit: 100 }, include_leave: true } };
const VISIBILITIES = ['world_readable', 'shared', 'invited', 'joined'] as const;
type Visibility = (typeof VISIBILITIES)[number];

let deployment: Deployment;
let replica: Replica;
let alice: Person;
let bob: Person;
let roomId: string;
let said: Map<string, string>;

beforeAll(async () => {
  deployment = await Deployment.create();
  replica = await deployment.start();
});
afterAll(() => deployment.close());

beforeEach(async () => {
  [alice, bob] = ['alice', 'bob'].map((name) => deployment.person(name, replica)) as [Person, Person];
  roomId = await deployment.rooms.create(alice.userId);
  said = new Map();
});

const setVisibility = (visibility: string) =>
  deployment.rooms.send(roomId, {
    ...{ type: 'm.room.history_visibility', stateKey: '', sender: alice.userId },
    content: { history_visibility: visibility },
  });

/** What happens in the room: a letter is said by Alice, everything else becomes Bob's membership. */
async function happens(...steps: string[]): Promise<void> {
  for (const step of steps) {
    if (step.length > 1) await deployment.rooms.setMembership(roomId, bob.userId, step, alice.userId);
    else said.set(step, await deployment.rooms.say(roomId, alice.userId, step));
  }
  await alice.sync();
}

const bodies = (events: readonly ClientEvent[]) => events.flatMap(({ content }) => content.body ?? []);

async function pages(dir: 'b' | 'f'): Promise<string> {
  const seen: string[] = [];
  for (let from: string | undefined = undefined, first = true; first || from !== undefined; first = false) {
    const query = new URLSearchParams({ dir, limit: '3', ...(from !== undefined && { from }) });
    const { status, body } = await bob.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?${query}`);
    if (status !== 200) return body.errcode;
    seen.push(...bodies(body.chunk));
    // At the live end the token stays what it is.
    from = body.end === from ? undefined : body.end;
  }
  return (dir === 'b' ? seen.toReversed() : seen).join('');
}

async function single(): Promise<string> {
  const seen: string[] = [];
  for (const [letter, eventId] of said) {
    const path = `rooms/${encodeURIComponent(roomId)}/event/${encodeURIComponent(eventId)}`;
    const { status, body } = await bob.call('GET', path);
    if (status === 200) seen.push(letter);
    else expect(body.errcode).toBe('M_NOT_FOUND');
  }
  return seen.join('');
}

async function contexts(): Promise<string> {
  const seen = new Set<string>();
  for (const [letter, eventId] of said) {
    const path = `rooms/${encodeURIComponent(roomId)}/context/${encodeURIComponent(eventId)}?limit=40`;
    const { status, body } = await bob.call('GET', path);
    if (status !== 200) continue;
    const around = [...body.events_before.toReversed(), body.event, ...body.events_after];
    expect(bodies(around)).toContain(letter);
    for (const other of bodies(around)) seen.add(other);
  }
  return [...seen].sort().join('');
}

async function initialSync(): Promise<string> {
  const { rooms } = await bob.with({}).sync({ filter: EVERYTHING });
  return bodies((rooms.join[roomId] ?? rooms.leave[roomId])?.timeline.events ?? []).join('');
}

/** Bob sees just these letters, wherever he looks; in /sync only those of rooms that he has been in. */
async function expectSeen(letters: string, inSync = letters): Promise<void> {
  const refused = letters === '';
  expect({
    backwards: await pages('b'),
    forwards: await pages('f'),
    single: await single(),
    contexts: await contexts(),
    sync: await initialSync(),
  }).toEqual({
    backwards: refused ? 'M_FORBIDDEN' : letters,
    forwards: refused ? 'M_FORBIDDEN' : letters,
    single: letters,
    contexts: letters,
    sync: inSync,
  });
}

describe('what a user sees', () => {
  /** Before any invite, once invited, once joined, once left, once back, once left again. */
  const SEEN: Record<Visibility, [string, string, string, string, string, string]> = {
    world_readable: ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef'],
    shared: ['', '', 'abc', 'abc', 'abcde', 'abcde'],
    invited: ['', '', 'bc', 'bc', 'bce', 'bce'],
    joined: ['', '', 'c', 'c', 'ce', 'ce'],
  };

  it.each(VISIBILITIES)(
    'of a room whose history is %s, from before the invite to after leaving twice',
    async (which) => {
      const [before, invited, joined, left, back, gone] = SEEN[which];
      await setVisibility(which);
      await happens('a');
      await expectSeen(before, '');
      await happens('invite', 'b');
      await expectSeen(invited, '');
      await happens('join', 'c');
      await expectSeen(joined);
      await happens('leave', 'd');
      await expectSeen(left, left.replace('d', ''));
      await happens('join', 'e');
      await expectSeen(back);
      await happens('leave', 'f');
      await expectSeen(gone, gone.replace('f', ''));
    },
  );

  it.each<[Visibility, string]>([
    ['world_readable', 'ab'],
    ['shared', 'a'],
    ['invited', 'a'],
    ['joined', 'a'],
  ])('of a room whose history is %s ends with a ban', async (which, letters) => {
    await setVisibility(which);
    await happens('join', 'a', 'ban', 'b');
    await expectSeen(letters, 'a');
  });

  it.each<[Visibility, string, string]>([
    ['world_readable', 'abc', 'ab'],
    ['shared', '', ''],
    // What is said to the invited is theirs, and comes with how their invite ended.
    ['invited', '', 'b'],
    ['joined', '', ''],
  ])('of a room whose history is %s is not opened by an invite that is declined', async (which, letters, inSync) => {
    await setVisibility(which);
    await happens('a', 'invite', 'b', 'leave', 'c');
    await expectSeen(letters, inSync);
  });
});

describe('a change of the history visibility', () => {
  it.each<[Visibility, Visibility, string]>([
    ['joined', 'shared', 'bc'],
    ['shared', 'joined', 'ac'],
    ['invited', 'world_readable', 'bc'],
    ['world_readable', 'invited', 'ac'],
    ['joined', 'world_readable', 'bc'],
    ['shared', 'world_readable', 'abc'],
  ])('from %s to %s concerns what is said from then on', async (one, other, letters) => {
    await setVisibility(one);
    await happens('a');
    await setVisibility(other);
    await happens('b', 'join', 'c');
    await expectSeen(letters);
  });

  it('may be seen by whom it lets in or shuts out', async () => {
    await setVisibility('joined');
    const opened = await setVisibility('shared');
    const closed = await setVisibility('joined');
    const unseen = await setVisibility('joined');
    await happens('join');
    const { body } = await bob.call('GET', `rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=50`);
    const seen = body.chunk.map(({ event_id }: ClientEvent) => event_id);
    expect(seen).toEqual(expect.arrayContaining([opened, closed]));
    expect(seen).not.toContain(unseen);
  });

  it('that nobody understands means shared', async () => {
    await setVisibility('nonsense');
    await happens('a', 'join', 'b', 'leave', 'c');
    await expectSeen('ab');
  });

  it('to the worse closes a room that the world could read, for those who never were in it', async () => {
    await setVisibility('world_readable');
    await happens('a');
    await expectSeen('a', '');
    await setVisibility('shared');
    await happens('b');
    await expectSeen('', '');
  });
});
