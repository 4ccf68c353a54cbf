import type { EventBuilder } from '../src/domain/event-builder.js';
import { EventGraph } from '../src/domain/graph/event-graph.js';
import type { GraphRows } from '../src/domain/ports/graph-rows.js';
import type { CommitResult, RoomStore } from '../src/domain/ports/rooms.js';
import type { StateRows } from '../src/domain/ports/state-rows.js';
import { RoomActor } from '../src/domain/room-actor.js';
import { RoomHead } from '../src/domain/room-head.js';
import { States } from '../src/domain/state/states.js';
import { ALICE, rulesOf } from './support/room.js';

const ROOM = '!room:one.test';
const draft = { type: 'm.room.message', sender: ALICE, content: {}, originServerTs: 0 };

/** A room whose commits meet others' so many times, and what it does about it. */
function contestedRoom(conflicts: number) {
  const pauses: number[] = [];
  const committed: number[] = [];
  let attempts = 0;
  let nid = 0;
  const event = { eventId: '$event', roomId: ROOM, pdu: { ...draft, depth: 1 }, rejected: false };
  const built = { event, json: '{}', authNids: [], prevNids: [] };
  const head = Object.assign(new RoomHead(1, ROOM, rulesOf('12')), { stateNid: 1 });
  const store: Partial<RoomStore> = { loadHead: async () => head, refresh: async () => true, load: async () => {} };
  const actor = new RoomActor(ROOM, {
    store: store as RoomStore,
    ...{ states: new States({} as StateRows), graph: new EventGraph({} as GraphRows), serverNames: [] },
    builder: { build: () => built } as Partial<Record<keyof EventBuilder, unknown>> as EventBuilder,
    committer: {
      commit: async (): Promise<CommitResult> => ({ kind: attempts++ < conflicts ? 'conflict' : 'committed' }),
    },
    numbers: { allocate: async () => ++nid },
    listener: { committed: ({ progress }) => void committed.push(progress.version) },
    pause: async (ms) => void pauses.push(ms),
  });
  const send = () => actor.run(async (room) => (await room.append(draft)).roomSeq);
  return { send, pauses, committed, attempts: () => attempts };
}

describe('a room that others write to at the same time', () => {
  it('tries again at once after the first conflict', async () => {
    const room = contestedRoom(1);
    await expect(room.send()).resolves.toBe(1);
    expect(room).toMatchObject({ pauses: [], committed: [1] });
  });

  it('waits for a while that differs, and never long, after each further one', async () => {
    const room = contestedRoom(40);
    await expect(room.send()).resolves.toBe(1);
    expect(room.pauses).toHaveLength(39);
    expect(new Set(room.pauses).size).toBeGreaterThan(30);
    for (const [index, ms] of room.pauses.entries()) expect(ms).toBeLessThanOrEqual(Math.min(2 ** (index + 1), 40));
  });

  it('gives up in the end and asks to come back, then works as before', async () => {
    const room = contestedRoom(50);
    const failure = { status: 503, errcode: 'M_UNKNOWN', extra: { retry_after_ms: expect.any(Number) } };
    await expect(room.send()).rejects.toMatchObject(failure);
    expect([room.attempts(), room.committed]).toEqual([50, []]);
    await expect(room.send()).resolves.toBe(1);
  });
});
