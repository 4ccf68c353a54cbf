import type { EventWithId, GetEventsRequest, GetEventsResponse } from '@ganglion/contracts/room';
import { contentText } from '../src/domain/event-text.js';
import { EventTexts } from '../src/domain/texts/event-texts.js';

const ROOM = { nid: 1, roomId: '!a:one.test', roomVersion: '11' };
const OTHER = { nid: 2, roomId: '!b:one.test', roomVersion: '11' };

const eventOf = (eventNid: number, body: string): EventWithId => ({
  ...{ eventNid, eventId: `$${eventNid}` },
  pduJson: JSON.stringify({
    ...{ type: 'm.room.message', sender: '@a:one.test', origin_server_ts: 1, depth: 1, content: { body } },
    ...{ hashes: {}, signatures: {}, auth_events: [], prev_events: [] },
  }),
});

/** Counts what it is asked, and answers when it is told to. */
class Log {
  readonly asked: GetEventsRequest[] = [];
  readonly bodies = new Map<number, string>();
  /** Whether it is of a release that knows nothing of several rooms at once. */
  isOld = false;
  gate: Promise<unknown> = Promise.resolve();

  async getEvents(request: GetEventsRequest): Promise<GetEventsResponse> {
    this.asked.push(request);
    const nids = [...request.eventNids, ...request.eventIds.map((id) => Number(id.slice(1)))];
    const isLost = this.isOld && request.roomId === '';
    const events = nids.flatMap((nid) => (!isLost && this.bodies.has(nid) ? eventOf(nid, this.bodies.get(nid)!) : []));
    await this.gate;
    return { events };
  }
}

describe('the texts of events', () => {
  let log: Log;
  let texts: EventTexts;

  beforeEach(() => {
    log = new Log();
    for (let nid = 1; nid <= 1_000; nid++) log.bodies.set(nid, `body ${nid}`);
    texts = new EventTexts(log, 100_000);
  });

  const bodyOf = async (nid: number) => {
    const text = (await texts.load(ROOM, [nid])).get(nid);
    return text && JSON.parse(contentText(text)).body;
  };

  it('are asked for once for all who want them at the same time, and then known', async () => {
    const [one, two] = await Promise.all([texts.load(ROOM, [1, 2]), texts.load(ROOM, [2, 3])]);
    expect([...one.keys(), ...two.keys()]).toEqual([1, 2, 2, 3]);
    expect(log.asked).toEqual([{ roomId: ROOM.roomId, eventIds: [], eventNids: [1, 2, 3], roomNids: [] }]);
    expect(await bodyOf(3)).toBe('body 3');
    expect(log.asked).toHaveLength(1);
  });

  it('are asked for in one call, be they of several rooms', async () => {
    const [one, two] = await Promise.all([texts.load(ROOM, [1, 2]), texts.load(OTHER, [4])]);
    expect([...one.keys(), ...two.keys()]).toEqual([1, 2, 4]);
    expect(log.asked).toEqual([{ roomId: '', eventIds: [], eventNids: [1, 2, 4], roomNids: [1, 1, 2] }]);
  });

  it('come from a room-server that knows of one room at a time, too', async () => {
    log.isOld = true;
    const [one, two] = await Promise.all([texts.load(ROOM, [1, 2]), texts.load(OTHER, [4])]);
    expect([...one.keys(), ...two.keys()]).toEqual([1, 2, 4]);
    expect(log.asked.map(({ roomId, eventNids }) => [roomId, eventNids])).toEqual([
      ['', [1, 2, 4]],
      [ROOM.roomId, [1, 2]],
      [OTHER.roomId, [4]],
    ]);
  });

  it('are JSON whose end is the content, without what only servers exchange', async () => {
    const text = (await texts.load(ROOM, [1])).get(1)!;
    expect(JSON.parse(text.json)).toEqual({
      ...{ event_id: '$1', type: 'm.room.message', sender: '@a:one.test', origin_server_ts: 1 },
      content: { body: 'body 1' },
    });
    expect(JSON.parse(contentText(text))).toEqual({ body: 'body 1' });
  });

  it('are asked for in parts when they are many', async () => {
    const all = await texts.load(
      ROOM,
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    );
    expect(all.size).toBe(1_000);
    expect(log.asked.length).toBeGreaterThan(1);
    expect(Math.max(...log.asked.map(({ eventNids }) => eventNids.length))).toBeLessThanOrEqual(500);
  });

  it('stay within the memory that they may take, the last that were used', async () => {
    await texts.load(
      ROOM,
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    );
    const before = log.asked.length;
    expect(await bodyOf(1_000)).toBe('body 1000');
    expect(log.asked).toHaveLength(before);
    expect(await bodyOf(1)).toBe('body 1');
    expect(log.asked).toHaveLength(before + 1);
  });

  it('are not kept for who passes through more than memory should hold', async () => {
    await texts.passing.load(ROOM, [1]);
    await texts.passing.load(ROOM, [1]);
    expect(log.asked).toHaveLength(2);
  });

  it('are left out when there are none, and asked for again', async () => {
    log.bodies.delete(7);
    expect(await bodyOf(7)).toBeUndefined();
    log.bodies.set(7, 'come late');
    expect(await bodyOf(7)).toBe('come late');
  });

  it('are other ones once they have been redacted', async () => {
    expect(await bodyOf(1)).toBe('body 1');
    log.bodies.set(1, 'redacted');
    texts.drop(1);
    expect(await bodyOf(1)).toBe('redacted');
  });

  it('never stay what they were when they are redacted while they are asked for', async () => {
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const early = texts.load(ROOM, [1, 2]);
    await Promise.resolve();
    await Promise.resolve();
    log.bodies.set(1, 'redacted');
    texts.drop(1);
    gate.resolve();
    await early;
    expect(await bodyOf(1)).toBe('redacted');
    expect(await bodyOf(2)).toBe('body 2');
    expect(log.asked).toHaveLength(2);
  });

  it('are forgotten all at once, also those that are on their way', async () => {
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const early = texts.load(ROOM, [1]);
    await Promise.resolve();
    await Promise.resolve();
    log.bodies.set(1, 'redacted');
    texts.clear();
    gate.resolve();
    await early;
    expect(await bodyOf(1)).toBe('redacted');
  });

  it('are found by id, too, without asking for what is known', async () => {
    expect((await texts.find(ROOM, '$5'))?.eventNid).toBe(5);
    await texts.load(ROOM, [6]);
    const before = log.asked.length;
    expect((await texts.find(ROOM, '$6'))?.eventNid).toBe(6);
    expect(log.asked).toHaveLength(before);
    log.bodies.set(6, 'redacted');
    texts.drop(6);
    expect(contentText((await texts.find(ROOM, '$6'))!)).toContain('redacted');
  });

  it('cost nothing but the request when the room-server cannot be reached', async () => {
    log.gate = Promise.reject(new Error('away'));
    await expect(texts.load(ROOM, [1])).rejects.toThrow('away');
    log.gate = Promise.resolve();
    expect(await bodyOf(1)).toBe('body 1');
  });
});
