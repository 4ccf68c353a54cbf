import { pacedLoop } from '../load/loop.ts';
import { probeOf } from '../proc/probe.ts';
import { type Cpu, roles } from '../types.ts';
import { type Measure, observe } from './measure.ts';
import { overMany } from './sends.ts';

/** What processes use that have nothing to do, while the rest of a cluster carries a steady load. */
export const replica: Measure = {
  id: 'replica',
  title: 'sends at a steady pace',
  headline: 'idle',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const idle = probeOf(scene.target.idlePids);
    const step = await overMany(scene);
    const start = performance.now();
    const before = idle?.cpu();
    const run = await observe(setting, () => pacedLoop(scene.plan.pace, seconds, step));
    const elapsed = (performance.now() - start) / 1000;
    return { ...run, ...(idle && before && { idleShare: (total(idle.cpu()) - total(before)) / elapsed }) };
  },
};

function total(cpu: Cpu): number {
  return roles.reduce((sum, role) => sum + cpu[role], 0);
}
