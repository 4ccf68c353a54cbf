import { setTimeout as sleep } from 'node:timers/promises';
import type { Measure } from './measure.ts';

/** What the server's processes hold. */
function memory(id: 'memory-idle' | 'memory-after', title: string): Measure {
  return {
    id,
    title,
    headline: 'memory',
    warmUp: false,
    async run({ scene, probe }) {
      if (id === 'memory-after') await sleep(scene.plan.calm);
      return probe ? { kind: 'memory', memory: probe.memory() } : { kind: 'memory' };
    },
  };
}

export const memoryMeasures: Measure[] = [
  memory('memory-idle', 'before any load'),
  memory('memory-after', 'after all load'),
];
