import { eventually } from '@ganglion/testing';
import { Homeserver } from '../support/homeserver.js';
import { inRoom, Person } from '../support/person.js';

let homeserver: Homeserver;
let urls: string[];
let alice: Person;
let bob: Person;
let roomId: string;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  urls = [(await homeserver.start()).url, (await homeserver.start()).url];
});
afterAll(() => homeserver.close());
beforeEach(async () => {
  [alice, bob] = await Promise.all([Person.register(urls[0]!, 'alice'), Person.register(urls[1]!, 'bob')]);
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.must('POST', `${inRoom(roomId)}/join`);
});

interface Sync {
  readonly next_batch: string;
  readonly rooms?: { join?: Record<string, { timeline?: { events: { event_id: string }[] } }> };
  readonly to_device?: { events: { content: { n: number } }[] };
}

const sync = (who: Person, since: string, timeout = 0): Promise<Sync> =>
  who.must('GET', `sync?timeout=${timeout}&since=${encodeURIComponent(since)}`);
const heardIn = ({ rooms }: Sync) => (rooms?.join?.[roomId]?.timeline?.events ?? []).map(({ event_id }) => event_id);
const told = ({ to_device }: Sync) => (to_device?.events ?? []).map(({ content }) => content.n);

/** A token after which nothing waits that was there before. */
async function caughtUp(who: Person): Promise<string> {
  const { next_batch } = await who.must('GET', 'sync?timeout=0');
  return next_batch;
}

/** Syncs on until that event has come: other news may wake a request, too. */
async function until(who: Person, since: string, eventId: string): Promise<string[]> {
  const heard: string[] = [];
  for (let from = since; !heard.includes(eventId); ) {
    const answer = await sync(who, from, 30_000);
    heard.push(...heardIn(answer));
    from = answer.next_batch;
  }
  return heard;
}

const tell = (n: number) =>
  alice.must('PUT', `sendToDevice/org.example.n/${bob.deviceId}-${n}`, {
    messages: { [bob.userId]: { [bob.deviceId]: { n } } },
  });

describe('of one device', () => {
  it('two requests that wait with the same token are both told what happens, at any replicas', async () => {
    const since = await caughtUp(bob);
    const waiting = urls.map((url) => sync(bob.at(url), since, 30_000));
    const eventId = await alice.say(roomId, 'hello');
    const heard = await Promise.all(
      waiting.map(async (first, index) => {
        const answer = await first;
        const own = heardIn(answer);
        return own.includes(eventId)
          ? own
          : [...own, ...(await until(bob.at(urls[index]!), answer.next_batch, eventId))];
      }),
    );
    expect(heard).toEqual([[eventId], [eventId]]);
  });

  it('a request with an older token is answered while one with a newer token waits, with all that came since', async () => {
    const older = await caughtUp(bob);
    const first = await alice.say(roomId, 'first');
    await eventually(async () => expect(heardIn(await sync(bob, older))).toEqual([first]));
    const newer = await caughtUp(bob);
    const waiting = sync(bob, newer, 30_000);
    expect(heardIn(await sync(bob.at(urls[0]!), older))).toEqual([first]);
    const second = await alice.say(roomId, 'second');
    const heard = heardIn(await waiting);
    const rest = heard.includes(second) ? [] : await until(bob, newer, second);
    expect([...heard, ...rest]).toEqual([second]);
    expect(await until(bob, older, second)).toEqual([first, second]);
  });

  it('messages to it are told to both of two requests with the same token, and are gone once a later token was used', async () => {
    const since = await caughtUp(bob);
    await tell(1);
    await eventually(async () => expect(told(await sync(bob, since))).toEqual([1]));
    const both = await Promise.all(urls.map((url) => sync(bob.at(url), since)));
    expect(both.map(told)).toEqual([[1], [1]]);
    await tell(2);
    await eventually(async () => expect(told(await sync(bob, both[0]!.next_batch))).toEqual([2]));
    expect(told(await sync(bob, since))).toEqual([2]);
  });

  it('which member events are left out counts for each token: who asks again with an older one is told of the members again', async () => {
    const filter = encodeURIComponent(JSON.stringify({ room: { state: { lazy_load_members: true } } }));
    const lazily = (since: string) => bob.must('GET', `sync?timeout=0&filter=${filter}&since=${since}`);
    const { next_batch: since } = await bob.must('GET', `sync?timeout=0&filter=${filter}`);
    const carol = await Person.register(urls[0]!, 'carol');
    await carol.must('POST', `${inRoom(roomId)}/join`);
    for (let index = 0; index < 12; index++) await alice.say(roomId, `before ${index}`);
    const said = await carol.say(roomId, 'hello');
    const members = async () => {
      const room = (await lazily(since)).rooms?.join?.[roomId];
      expect(room?.timeline.events.map(({ event_id }: { event_id: string }) => event_id)).toContain(said);
      const events = [...room.state.events, ...room.timeline.events];
      return events.filter(({ type }: { type: string }) => type === 'm.room.member');
    };
    const keys = async () => (await members()).map(({ state_key }: { state_key: string }) => state_key);
    await eventually(async () => expect(await keys()).toContain(carol.userId));
    expect(await keys()).toContain(carol.userId);
  });
});
