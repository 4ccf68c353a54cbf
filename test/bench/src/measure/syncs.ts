import { setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../load/account.ts';
import type { Reply } from '../load/client.ts';
import { closedLoop, forCount, forSeconds } from '../load/loop.ts';
import { catchUp, eventsIn, sync, syncAnswer } from '../load/matrix.ts';
import { at, pooled, type Scene } from '../load/scene.ts';
import type { MeasureId } from './ids.ts';
import { type Measure, observe } from './measure.ts';

const readers = 16;

/** Asking for news when there are none: what most requests to a homeserver are. */
const emptySync: Measure = {
  id: 'sync-empty',
  title: `empty syncs, ${readers} in flight`,
  headline: 'rate',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const people = await caughtUp(scene);
    const step = async (slot: number): Promise<Reply> => {
      const reader = at(people, slot);
      const reply = await sync(scene.client, reader, { since: reader.since, timeout: 0 });
      if (reply.status !== 200) return reply;
      const answer = syncAnswer(reply);
      reader.since = answer.next_batch;
      if (eventsIn(answer).length > 0) throw new Error('a sync that should be empty brought events');
      return reply;
    };
    return observe(setting, () => closedLoop(readers, forSeconds(seconds), step));
  },
};

const busyRooms = 10;
const newsInEach = 5;
let asked = 0;

/** Asking for news when there are fifty messages in ten rooms. */
const busySync: Measure = {
  id: 'sync-busy',
  title: `busy syncs of ${busyRooms * newsInEach} events, ${readers} in flight`,
  headline: 'rate',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const people = await caughtUp(scene);
    const rooms = (await scene.village()).slice(0, busyRooms);
    await pooled(8, rooms.length * newsInEach, (n) => scene.say(at(rooms, n), n));
    const step = (slot: number) => freshSync(scene, at(people, slot), at(people, slot).since);
    const news = async () => eventsIn(syncAnswer(await step(0))).length;
    await untilSeen(rooms.length * newsInEach, news, scene.plan.patience);
    return observe(setting, () => closedLoop(readers, forSeconds(seconds), step));
  },
};

/** A server may answer a writer before readers can see what was written; it must not take long. */
async function untilSeen(expected: number, seen: () => Promise<number>, patience: number): Promise<void> {
  for (const end = performance.now() + patience; ; await sleep(20)) {
    const found = await seen();
    if (found === expected) return;
    if (performance.now() > end) throw new Error(`a sync brought ${found} of what should be ${expected}`);
  }
}

/** What a client asks for when it starts with nothing: every villager, who has 20 rooms, once, one after the other. */
function initialSync(id: MeasureId, title: string, filter?: string): Measure {
  return {
    id,
    title,
    headline: 'p50',
    warmUp: false,
    async run(setting) {
      const { scene } = setting;
      const { length } = await scene.village();
      const people = await scene.villagers();
      const step = (_slot: number, n: number) => freshSync(scene, at(people, n), undefined, filter);
      const rooms = async () => Object.keys(syncAnswer(await step(0, 0)).rooms?.join ?? {}).length;
      await untilSeen(length, rooms, scene.plan.patience);
      return observe(setting, () => closedLoop(1, forCount(people.length), step));
    },
  };
}

/**
 * A sync that never was asked for before. A server may keep an answer for those who ask the same again; the time-out makes
 * each one different, and is not waited for, as there is always something to tell.
 */
function freshSync(scene: Scene, who: Account, since?: string, filter?: string): Promise<Reply> {
  return sync(scene.client, who, { since, timeout: asked++, ...(filter && { filter }) });
}

async function caughtUp(scene: Scene): Promise<Account[]> {
  await scene.village();
  const people = await scene.villagers();
  await pooled(4, people.length, (n) => catchUp(scene.client, at(people, n)));
  return people;
}

const lazyFilter = JSON.stringify({ room: { state: { lazy_load_members: true } } });

export const syncMeasures: Measure[] = [
  emptySync,
  busySync,
  initialSync('sync-initial', 'initial sync'),
  initialSync('sync-lazy', 'initial sync, members loaded lazily', lazyFilter),
];
