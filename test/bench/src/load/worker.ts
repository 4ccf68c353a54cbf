import { measureNamed } from '../measure/catalogue.ts';
import { probeOf } from '../proc/probe.ts';
import type { Plan, Run, Target } from '../types.ts';
import { Client } from './client.ts';
import { Scene } from './scene.ts';

/**
 * The load generator of one homeserver: a process of its own, so that neither the other target's load nor the report shares its
 * heap or its event loop. The first message says whom to load; each one after it names a measurement, and is answered with a run.
 */
export type Order = { target: Target; plan: Plan } | { measure: string };
export type Answer = { run: Run } | { error: string };

/** Makes the function that runs a measurement by name, and keeps what the measurements share. */
function loaderOf(target: Target, plan: Plan): (id: string) => Promise<Run> {
  const scene = new Scene(new Client(target.url), target, plan);
  const probe = probeOf(target.pids);
  const rounds = new Map<string, number>();
  return async (id) => {
    const measure = measureNamed(id);
    const round = rounds.get(id) ?? 0;
    rounds.set(id, round + 1);
    const setting = { scene, probe, round, seconds: plan.seconds };
    if (measure.warmUp && round === 0) await measure.run({ ...setting, seconds: plan.warmUp });
    return measure.run(setting);
  };
}

let load: ReturnType<typeof loaderOf> | undefined;

async function obey(order: Order): Promise<void> {
  if ('target' in order) {
    load = loaderOf(order.target, order.plan);
    return;
  }
  process.send?.(await answer(order.measure));
}

async function answer(id: string): Promise<Answer> {
  try {
    if (!load) throw new Error('nobody has said whom to load');
    return { run: await load(id) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

process.on('message', (order: Order) => void obey(order));
process.on('disconnect', () => process.exit());
