import { setTimeout as sleep } from 'node:timers/promises';
import type { Scene } from '../load/scene.ts';
import { cpuBetween, type Probe } from '../proc/probe.ts';
import type { LoadRun, Result, Run, Tally } from '../types.ts';
import type { MeasureId } from './ids.ts';

/** What a measurement works with: the rooms, the server's processes if they can be seen, and which round this is. */
export interface Setting {
  scene: Scene;
  probe: Probe | undefined;
  /** Counts up with every run of a measurement on a target. */
  round: number;
  /** How long a closed loop lasts. */
  seconds: number;
}

export interface Measure {
  id: MeasureId;
  title: string;
  headline: Result['headline'];
  /** Run once before it counts, so that both servers and the load generator are warm. */
  warmUp: boolean;
  run(setting: Setting): Promise<Run>;
}

/**
 * Does the load, and sees what it cost the server and the load generator. A server goes on working for an event after it has
 * answered; that counts too.
 */
export async function observe({ scene, probe }: Setting, load: () => Promise<Tally>): Promise<LoadRun> {
  const before = probe?.cpu();
  const own = process.cpuUsage();
  const tally = await load();
  const spent = process.cpuUsage(own);
  await sleep(scene.plan.settle);
  const after = probe?.cpu();
  const cpu = before && after && cpuBetween(before, after);
  return { kind: 'load', ...tally, loadCpu: (spent.user + spent.system) / 1e6, ...(cpu && { cpu }) };
}
