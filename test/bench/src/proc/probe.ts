import { readdirSync, readFileSync } from 'node:fs';
import type { Cpu, Footprint, Memory } from '../types.ts';
import { family, type ProcessStat, parseKilobytes, parseStat, roleOf, ticksPerSecond } from './stat.ts';

/** Looks at some processes and all their descendants, through a /proc file system. */
export class Probe {
  readonly #roots: readonly number[];
  readonly #proc: string;

  constructor(roots: readonly number[], proc = '/proc') {
    this.#roots = roots;
    this.#proc = proc;
  }

  /** Seconds of processor time used so far, by role. */
  cpu(): Cpu {
    const used: Cpu = { server: 0, database: 0, bus: 0 };
    for (const process of this.#family()) used[roleOf(process.name)] += process.ticks / ticksPerSecond;
    return used;
  }

  /** What the processes hold in memory now, by role. */
  memory(): Memory {
    const held: Memory = { server: nothing(), database: nothing(), bus: nothing() };
    for (const process of this.#family()) {
      const footprint = held[roleOf(process.name)];
      const rss = parseKilobytes(this.#read(process.pid, 'status'), 'VmRSS') ?? 0;
      footprint.rss += rss;
      footprint.pss += parseKilobytes(this.#read(process.pid, 'smaps_rollup'), 'Pss') ?? rss;
      footprint.processes += 1;
    }
    return held;
  }

  /** Whether any of the processes asked for is there. */
  alive(): boolean {
    return this.#family().length > 0;
  }

  #family(): ProcessStat[] {
    const pids = readdirSync(this.#proc).filter((entry) => /^\d+$/.test(entry));
    const stats = pids.map((pid) => this.#read(Number(pid), 'stat')).filter((text) => text !== '');
    return family(stats.map(parseStat), this.#roots);
  }

  /** Empty when the process has ended meanwhile, or is not ours to look at. */
  #read(pid: number, file: string): string {
    try {
      return readFileSync(`${this.#proc}/${pid}/${file}`, 'utf8');
    } catch {
      return '';
    }
  }
}

/** A probe of processes, when there is a /proc and they are in it. */
export function probeOf(pids: readonly number[]): Probe | undefined {
  if (pids.length === 0 || process.platform !== 'linux') return undefined;
  const probe = new Probe(pids);
  return probe.alive() ? probe : undefined;
}

/** What was used between two looks. */
export function cpuBetween(before: Cpu, after: Cpu): Cpu {
  return {
    server: after.server - before.server,
    database: after.database - before.database,
    bus: after.bus - before.bus,
  };
}

function nothing(): Footprint {
  return { rss: 0, pss: 0, processes: 0 };
}
