import { pacedLoop } from '../load/loop.ts';
import { type Probe, probeOf } from '../proc/probe.ts';
import { roles } from '../types.ts';
import { type Measure, observe } from './measure.ts';
import { overMany } from './sends.ts';

/**
 * What a process uses that has nothing to do, while the rest of a cluster carries a steady load: the idlest of those that
 * are watched, since of two replicas that are asked nothing one may still work for both, as the appender does.
 */
export const replica: Measure = {
  id: 'replica',
  title: 'sends at a steady pace',
  headline: 'idle',
  warmUp: true,
  async run(setting) {
    const { scene, seconds } = setting;
    const idle = scene.target.idlePids.flatMap((pid) => probeOf([pid]) ?? []);
    const step = await overMany(scene);
    const start = performance.now();
    const before = idle.map(used);
    const run = await observe(setting, () => pacedLoop(scene.plan.pace, seconds, step));
    const elapsed = (performance.now() - start) / 1000;
    const shares = idle.map((probe, i) => (used(probe) - (before[i] ?? 0)) / elapsed);
    return { ...run, ...(shares.length > 0 && { idleShare: Math.min(...shares) }) };
  },
};

function used(probe: Probe): number {
  const cpu = probe.cpu();
  return roles.reduce((sum, role) => sum + cpu[role], 0);
}
