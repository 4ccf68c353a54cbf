import { eventually } from '@ganglion/testing';
import { EarlierRelease, type RoomAnswer } from './support/earlier-release.js';
import { Homeserver, type Replica } from './support/homeserver.js';
import { inRoom, Person } from './support/person.js';

const EVERYTHING = encodeURIComponent(JSON.stringify({ room: { include_leave: true, timeline: { limit: 100 } } }));

interface Event {
  readonly event_id: string;
  readonly unsigned: Readonly<Record<string, unknown>>;
}

const idsOf = (events: readonly Event[]) => events.map(({ event_id }) => event_id);

describe('a server that was upgraded from the release before', () => {
  const earlier = new EarlierRelease();
  let homeserver: Homeserver;
  let replica: Replica;
  const people = new Map<string, Person>();

  beforeAll(async () => {
    homeserver = await Homeserver.create((url) => earlier.restore(url));
    replica = await homeserver.start();
    for (const name of Object.keys(earlier.answers)) people.set(name, await Person.registerAs(replica.url, name));
  });
  afterAll(() => homeserver.close());

  const names = Object.keys(earlier.answers);

  /** What /sync tells of one room, as far as it was written down. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  function answerOf(section: string, room: any): RoomAnswer {
    if (section === 'invite') return { section, stripped: room.invite_state.events };
    const state = idsOf(room.state.events).sort();
    const both = { section, timeline: idsOf(room.timeline.events), state };
    if (section !== 'join') return both;
    return { ...both, summary: room.summary, unread: room.unread_notifications, ephemeral: room.ephemeral.events };
  }

  /** Some lists are in no order that is promised. */
  function inAnyOrder(answers: Readonly<Record<string, RoomAnswer>>) {
    const textsOf = (list: readonly unknown[] = []) => list.map((item) => JSON.stringify(item)).sort();
    return Object.entries(answers).map(([roomId, { summary, stripped, ...answer }]) => {
      const { 'm.heroes': heroes, ...counts } = (summary ?? {}) as { 'm.heroes'?: readonly string[] };
      return { roomId, ...answer, ...counts, heroes: textsOf(heroes), stripped: textsOf(stripped) };
    });
  }

  it.each(names)('shows %s the same rooms from the beginning', async (name) => {
    const { rooms } = await people.get(name)!.must('GET', `sync?filter=${EVERYTHING}`);
    const told: Record<string, RoomAnswer> = {};
    for (const [section, ofSection] of Object.entries(rooms as Record<string, object>)) {
      for (const [roomId, room] of Object.entries(ofSection)) told[roomId] = answerOf(section, room);
    }
    const byRoom = (one: { roomId: string }, other: { roomId: string }) => (one.roomId < other.roomId ? -1 : 1);
    expect(inAnyOrder(told).sort(byRoom)).toEqual(inAnyOrder(earlier.answers[name]!.rooms).sort(byRoom));
  });

  it.each(names)('shows %s the same pages and members, or refuses them as before', async (name) => {
    for (const [what, expected] of Object.entries(earlier.answers[name]!.pages)) {
      const [room = '', kind] = what.split(' ');
      const path = kind === 'members' ? 'members' : 'messages?dir=b&limit=100';
      const { body } = await people.get(name)!.get(`${inRoom(earlier.rooms[room]!)}/${path}`);
      const ids = body.errcode ?? idsOf(body.chunk);
      expect([what, kind === 'members' && Array.isArray(ids) ? ids.sort() : ids]).toEqual([what, expected]);
    }
  });

  it('shows with events what they replaced and what redacted them', async () => {
    const { body } = await people.get('alice')!.get(`${inRoom(earlier.rooms.one!)}/messages?dir=b&limit=100`);
    for (const [eventId, expected] of Object.entries(earlier.shown)) {
      const { unsigned, ...event } = body.chunk.find(({ event_id }: Event) => event_id === eventId);
      const { age: _, ...shown } = unsigned;
      expect({ ...event, unsigned: shown }).toEqual(expected);
    }
  });

  it('goes on from the tokens of clients: what is new comes once, and nothing again', async () => {
    const [alice, bob] = [people.get('alice')!, people.get('bob')!];
    const { since } = earlier.answers.bob!;
    const nothing = await bob.must('GET', `sync?since=${since}&timeout=0`);
    expect(nothing.rooms.join).toEqual({});
    const roomId = earlier.rooms.one!;
    const eventId = await alice.say(roomId, 'Upgraded');
    // Something else may wake them first, such as that somebody is there.
    await eventually(async () => {
      const { rooms } = await bob.must('GET', `sync?since=${since}&timeout=10000`);
      expect(idsOf(rooms.join[roomId]?.timeline.events ?? [])).toEqual([eventId]);
    });
    const renamed = await alice.must('PUT', `${inRoom(roomId)}/state/m.room.topic/`, { topic: 'Third' });
    const last = await bob.must('GET', `sync?since=${since}&timeout=0`);
    expect(idsOf(last.rooms.join[roomId].timeline.events)).toEqual([eventId, renamed.event_id]);
    const [topic] = last.rooms.join[roomId].timeline.events.slice(-1);
    expect(topic.unsigned.prev_content).toEqual({ topic: 'Second' });
  });
});
