import type { Reply } from '../load/client.ts';
import { closedLoop, forSeconds } from '../load/loop.ts';
import { catchUp, eventsIn, sync, syncAnswer } from '../load/matrix.ts';
import { at, type Scene } from '../load/scene.ts';
import type { Plan } from '../types.ts';
import type { MeasureId } from './ids.ts';
import { type Measure, observe } from './measure.ts';

let asked = 0;

/** One message, to somebody who is in few rooms or in many: the time-out makes each request another one. */
function oneMessage(id: MeasureId, title: string, roomsOf: (plan: Plan) => number): Measure {
  return {
    id,
    title,
    headline: 'p50',
    warmUp: true,
    async run(setting) {
      const { scene, seconds } = setting;
      const rooms = await scene.loner(roomsOf(scene.plan));
      const loner = at(at(rooms, 0).members, 0);
      await catchUp(scene.client, loner);
      await scene.say(at(rooms, 0), 0);
      const { since } = loner;
      const step = (): Promise<Reply> => sync(scene.client, loner, { since, timeout: asked++ });
      await untilItComes(scene, step);
      return observe(setting, () => closedLoop(1, forSeconds(seconds), step));
    },
  };
}

async function untilItComes({ plan }: Scene, step: () => Promise<Reply>): Promise<void> {
  for (const end = performance.now() + plan.patience; eventsIn(syncAnswer(await step())).length !== 1; ) {
    if (performance.now() > end) throw new Error('a sync does not bring the one message that there is');
  }
}

export const roomMeasures: Measure[] = [
  oneMessage('rooms-few', 'sync of one message, in few rooms', ({ fewRooms }) => fewRooms),
  oneMessage('rooms-many', 'sync of one message, in many rooms', ({ manyRooms }) => manyRooms),
];
