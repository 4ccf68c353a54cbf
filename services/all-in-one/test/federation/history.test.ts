import type { WrittenEvent } from '@ganglion/protocol/testing';
import { type Asked, type FarRoom, partsOf, pduOf } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import type { Person } from '../support/person.js';

let neighbours: Neighbours;
let alice: Person;
let room: FarRoom;
/** What is wrong about single events, as the other server gives them. */
let changes: Map<string, object>;

beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());
beforeEach(() => {
  changes = new Map();
  neighbours.far.asked.length = 0;
  neighbours.far.answering = (asked) => answer(asked);
});

const given = (eventId: string) => ({ ...pduOf(room.find(eventId)!), ...changes.get(eventId) });

/** The other server has the whole room. */
function answer(asked: Asked): object | undefined {
  const [what, , eventId = ''] = partsOf(asked);
  const query = new URL(`http://x${asked.path}`).searchParams;
  if (what === 'backfill') return { pdus: before(query.getAll('v'), Number(query.get('limit'))).map(given) };
  if (what === 'event') return { pdus: [given(partsOf(asked)[1]!)] };
  if (what === 'event_auth') return { auth_chain: room.authChain([eventId]).map(pduOf) };
  if (what !== 'state_ids') return undefined;
  const state = [...room.find(query.get('event_id')!)!.stateBefore.values()];
  return { pdu_ids: state, auth_chain_ids: room.authChain(state).map((event) => event.eventId) };
}

/** These events and what comes before them, the latest first. */
function before(eventIds: string[], limit: number): string[] {
  const all = room.writer.events.map(({ eventId }) => eventId);
  const last = Math.max(...eventIds.map((eventId) => all.indexOf(eventId)));
  return all.slice(Math.max(0, last + 1 - limit), last + 1).reverse();
}

const backfills = () => neighbours.far.asked.filter((asked) => partsOf(asked)[0] === 'backfill').length;

/** Alice joins a room in which much was said already. */
async function joinAfter(messages: number, happened = talk): Promise<void> {
  room = await neighbours.farRoom(alice, {}, (made) => {
    room = made;
    happened(messages);
  });
}

function talk(messages: number): void {
  for (let index = 1; index <= messages; index++) room.say(`message ${index}`);
}

/** All that Alice can page back to, the latest first, at one replica after the other. */
async function pageBack(limit: number): Promise<{ event_id: string; type: string; content: { body?: string } }[]> {
  const events = [];
  let from = '';
  for (let page = 0; page < 100; page++) {
    const reader = alice.at(neighbours.replicas[page % 2]!.url);
    const path = `rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=${limit}${from}`;
    const body = await reader.must('GET', path);
    events.push(...body.chunk);
    if (body.end === undefined) return events;
    from = `&from=${body.end}`;
  }
  throw new Error('the room has no end');
}

describe('history of a room that was there before us', () => {
  it.each([7, 100])(
    'is paged back to the beginning, %s events at once',
    async (limit) => {
      await joinAfter(250);
      const events = await pageBack(limit);
      expect(events.map(({ event_id }) => event_id)).toEqual(
        room.writer.events.map(({ eventId }) => eventId).reverse(),
      );
      expect(backfills()).toBe(3);
    },
    60_000,
  );

  it('is paged back to where it follows more events than what is new may', async () => {
    await joinAfter(25, (count) => {
      const prevs = room.tips;
      const branches = Array.from({ length: count }, (_, index) => room.say(`branch ${index}`, room.creator, prevs));
      room.say(
        'merged',
        room.creator,
        branches.map(({ eventId }) => eventId),
      );
    });
    const bodies = (await pageBack(100)).map(({ content }) => content.body);
    expect(bodies).toEqual(expect.arrayContaining(['merged', 'branch 0', 'branch 24']));
  });

  it('is fetched once for all who want to read it at once', async () => {
    await joinAfter(30);
    const path = `rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&limit=20`;
    const pages = await Promise.all([0, 1, 0, 1].map((i) => alice.at(neighbours.replicas[i]!.url).must('GET', path)));
    expect(new Set(pages.map(({ chunk }) => chunk.length))).toEqual(new Set([20]));
    expect(backfills()).toBe(1);
  });

  it('is there but for single events that are not as they have to be', async () => {
    await joinAfter(20);
    const bad = room.writer.events.filter(({ pdu }) => /^message (5|6|15)$/.test(String(pdu.content.body)));
    for (const { eventId } of bad) changes.set(eventId, { depth: 'none', signatures: {} });
    const events = await pageBack(50);
    const good = room.writer.events.filter((event) => !bad.includes(event)).map(({ eventId }) => eventId);
    expect(events.map(({ event_id }) => event_id)).toEqual(good.reverse());
  });

  it('is there around an event', async () => {
    await joinAfter(10);
    const join = room.writer.events.at(-1)!.eventId;
    const path = `rooms/${encodeURIComponent(room.roomId)}/context/${encodeURIComponent(join)}?limit=8`;
    const { events_before: before } = await alice.must('GET', path);
    const bodies = before.map(({ content }: { content: { body?: string } }) => content.body);
    expect(bodies).toEqual(['message 10', 'message 9', 'message 8', 'message 7']);
  });

  it('is what we have, where others do not give any', async () => {
    await joinAfter(5);
    neighbours.far.answering = () => undefined;
    expect((await pageBack(50)).map(({ type }) => type)).toEqual(['m.room.member']);
  });

  it('comes from the next server, where one gives only what we have', async () => {
    const other = await neighbours.another();
    await joinAfter(5, (messages) => {
      // The first one that is asked.
      for (const name of ['one', 'two']) room.member(neighbours.far.user(name), 'join');
      room.member(other.user('somebody'), 'join');
      talk(messages);
    });
    const known = room.writer.events.at(-1)!.eventId;
    neighbours.far.answering = (asked) => (partsOf(asked)[0] === 'backfill' ? { pdus: [given(known)] } : answer(asked));
    other.answering = (asked) => answer(asked);
    const events = await pageBack(50);
    expect(events.map(({ event_id }) => event_id)).toEqual(room.writer.events.map(({ eventId }) => eventId).reverse());
    expect(backfills()).toBe(1);
    await other.close();
  });

  it('is not shown where it is for members alone', async () => {
    await joinAfter(5, (messages) => {
      room.state('m.room.history_visibility', { history_visibility: 'joined' });
      talk(messages);
    });
    const bodies = (await pageBack(50)).map(({ content }) => content.body).filter((body) => body !== undefined);
    expect(bodies).toEqual([]);
  });
});

const DAY_MS = 24 * 60 * 60_000;

describe('the event of a time', () => {
  const asksByTime = () => neighbours.far.asked.filter((asked) => partsOf(asked)[0] === 'timestamp_to_event').length;
  const sentAt = ({ pdu }: WrittenEvent) => pdu.origin_server_ts;
  const atTime = async (ts: number, dir: 'f' | 'b') => {
    const path = `/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`;
    return (await alice.must('GET', path)).event_id;
  };

  /** What was said, a day after each other and long ago, in a room that Alice has joined now. */
  async function saidBefore(visibility = 'shared'): Promise<WrittenEvent[]> {
    const now = Date.now();
    await joinAfter(20, (messages) => {
      room.state('m.room.history_visibility', { history_visibility: visibility });
      for (let day = 0; day < messages; day++) {
        room.say(`day ${day}`, room.creator, room.tips, now - (100 - day) * DAY_MS);
      }
    });
    tell(nearest);
    return room.writer.events.filter(({ pdu }) => pdu.type === 'm.room.message');
  }

  /** The other server answers by this which event is the nearest. */
  function tell(tells: (ts: number, dir: string) => WrittenEvent | undefined): void {
    neighbours.far.answering = (asked) => {
      if (partsOf(asked)[0] !== 'timestamp_to_event') return answer(asked);
      const query = new URL(`http://x${asked.path}`).searchParams;
      const ts = Number(query.get('ts'));
      const event = tells(ts, query.get('dir') ?? '');
      return event && { event_id: event.eventId, origin_server_ts: ts };
    };
  }

  function nearest(ts: number, dir: string): WrittenEvent | undefined {
    const sorted = room.writer.events.toSorted((one, other) => sentAt(one) - sentAt(other));
    return dir === 'f' ? sorted.find((event) => sentAt(event) >= ts) : sorted.findLast((event) => sentAt(event) <= ts);
  }

  it('is fetched from another server, from either side, and what was said before it is there to be read', async () => {
    const said = await saidBefore();
    const [before, after] = [said[7]!, said[8]!];
    expect(await atTime(sentAt(before) + 1_000, 'b')).toBe(before.eventId);
    expect(await atTime(sentAt(before) + 1_000, 'f')).toBe(after.eventId);
    expect(asksByTime()).toBe(2);
    // From then on it is here.
    expect(await atTime(sentAt(after), 'b')).toBe(after.eventId);
    expect(asksByTime()).toBe(2);
    const inRoom = `rooms/${encodeURIComponent(room.roomId)}`;
    const { start } = await alice.must('GET', `${inRoom}/context/${encodeURIComponent(before.eventId)}?limit=0`);
    const { chunk } = await alice.must('GET', `${inRoom}/messages?dir=b&limit=4&from=${start}`);
    const bodies = chunk.map(({ content }: { content: { body?: string } }) => content.body);
    expect(bodies).toEqual(['day 6', 'day 5', 'day 4', 'day 3']);
    // And others, who ask us, hear of it.
    const path = `/_matrix/federation/v1/timestamp_to_event/${encodeURIComponent(room.roomId)}?ts=${sentAt(after) - 1}&dir=b`;
    expect((await neighbours.far.ask(neighbours.url, 'GET', path)).body.event_id).toBe(before.eventId);
  });

  it('is asked of nobody, where nothing is missing beside ours', async () => {
    await saidBefore();
    const eventId = await alice.say(room.roomId, 'now');
    expect(await atTime(Date.now() + 1_000, 'b')).toBe(eventId);
    expect(asksByTime()).toBe(0);
  });

  it.each([
    ['tells of one that is further away', () => room.say('later', room.creator, room.tips, Date.now() + DAY_MS)],
    [
      'tells of one that is on the other side',
      () => room.writer.events.find(({ pdu }) => pdu.content.body === 'day 3'),
    ],
    ['knows none', () => undefined],
  ])('is ours, if the other server %s', async (_, tells) => {
    const said = await saidBefore();
    const join = room.writer.events.at(-1)!;
    tell(tells);
    expect(await atTime(sentAt(said[5]!), 'f')).toBe(join.eventId);
    expect(asksByTime()).toBe(1);
  });

  it('is ours, if the other server gives one that is not signed as it has to be', async () => {
    const said = await saidBefore();
    changes.set(said[5]!.eventId, { signatures: {} });
    expect(await atTime(sentAt(said[5]!), 'f')).toBe(room.writer.events.at(-1)!.eventId);
    expect(asksByTime()).toBe(1);
  });

  it('is one that may be seen', async () => {
    const said = await saidBefore('joined');
    expect(await atTime(sentAt(said[5]!), 'f')).toBe(room.writer.events.at(-1)!.eventId);
    expect(asksByTime()).toBe(1);
  });
});
