import { closedLoop, forSeconds, type Step } from '../load/loop.ts';
import { sendMessage } from '../load/matrix.ts';
import { at, type Scene } from '../load/scene.ts';
import type { MeasureId } from './ids.ts';
import { type Measure, observe } from './measure.ts';

type Where = 'many' | 'one';

/** Everybody sends the next message when the last was accepted. */
function sends(where: Where, inFlight: number): Measure {
  return {
    id: `sends-${where}-${inFlight}` as MeasureId,
    title: `sends ${where === 'many' ? 'over many rooms' : 'within one room'}, ${inFlight} in flight`,
    headline: 'rate',
    warmUp: true,
    async run(setting) {
      const { scene, seconds } = setting;
      const step = await (where === 'many' ? overMany(scene) : withinOne(scene));
      return observe(setting, () => closedLoop(inFlight, forSeconds(seconds), step));
    },
  };
}

/** Goes round the rooms, and in each of them round its members. */
export async function overMany(scene: Scene): Promise<Step> {
  const plots = await scene.plots();
  return (_slot, n) => {
    const plot = at(plots, n);
    return sendMessage(scene.client, at(plot.members, Math.floor(n / plots.length)), plot.id);
  };
}

async function withinOne(scene: Scene): Promise<Step> {
  const square = await scene.square();
  return (slot) => sendMessage(scene.client, at(square.members, slot), square.id);
}

export const sendMeasures: Measure[] = (['many', 'one'] as const).flatMap((where) =>
  [1, 16, 64].map((inFlight) => sends(where, inFlight)),
);
