import type { Account } from '../load/account.ts';
import { readJson } from '../load/client.ts';
import { closedLoop, forSeconds, pacedLoop } from '../load/loop.ts';
import { read, sendMessage, type } from '../load/matrix.ts';
import { at, insist, type Room, type Scene } from '../load/scene.ts';
import type { MeasureId } from './ids.ts';
import { type Measure, observe } from './measure.ts';

const senders = 16;
/** Seconds: how often everybody says again that they type, and that they have read. */
const every = 5;

/** Sends within a room of very many, while nobody else does anything, or while everybody types and reads. */
function sends(id: MeasureId, title: string, others: (scene: Scene, room: Room, seconds: number) => Promise<unknown>) {
  const measure: Measure = {
    id,
    title,
    headline: 'rate',
    warmUp: true,
    async run(setting) {
      const { scene, seconds } = setting;
      const room = await scene.throng();
      const step = (slot: number) => sendMessage(scene.client, at(room.members, slot), room.id);
      const busy = others(scene, room, seconds);
      const [run] = await Promise.all([observe(setting, () => closedLoop(senders, forSeconds(seconds), step)), busy]);
      return run;
    },
  };
  return measure;
}

async function typeAndRead(scene: Scene, room: Room, seconds: number): Promise<void> {
  const sent = await sendMessage(scene.client, at(room.members, 0), room.id);
  insist(sent, 'a message');
  const eventId = String(readJson(sent).event_id);
  const who = (n: number): Account => at(room.members, Math.floor(n / 2));
  const rate = (2 * room.members.length) / every;
  const tally = await pacedLoop(rate, seconds, (_slot, n) =>
    n % 2 === 0 ? type(scene.client, who(n), room.id) : read(scene.client, who(n), room.id, eventId),
  );
  if (tally.errors > 0) throw new Error(`of those who type and read, ${tally.errors} are refused: ${tally.complaint}`);
}

export const throngMeasures: Measure[] = [
  sends('throng-quiet', 'sends within a room of very many', async () => {}),
  sends('throng-typing', 'the same, while everybody types and reads', typeAndRead),
];
