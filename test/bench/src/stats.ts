import type { Cpu, LoadRun, LoadSummary, MemorySummary, Run, Summary } from './types.ts';

/** The value that `share` (0–1) of the sorted values do not exceed, by nearest rank; NaN when there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? Number.NaN;
}

/** What several rounds of one measurement say together: samples are pooled, rates are weighted by time. */
export function summarise(runs: readonly Run[]): Summary {
  const loads = runs.filter((run) => run.kind === 'load');
  return loads.length > 0 ? summariseLoad(loads) : summariseMemory(runs);
}

function summariseMemory(runs: readonly Run[]): MemorySummary {
  const last = runs.findLast((run) => run.kind === 'memory');
  return last?.memory ? { kind: 'memory', memory: last.memory } : { kind: 'memory' };
}

function summariseLoad(runs: readonly LoadRun[]): LoadSummary {
  const sorted = Float64Array.from(runs.flatMap((run) => run.latencies)).sort();
  const seconds = sum(runs, (run) => run.seconds);
  const done = sum(runs, (run) => run.done);
  const complaint = runs.find((run) => run.complaint)?.complaint;
  const idle = runs.flatMap((run) => run.idleShare ?? []);
  const cpu = cpuEach(runs, done);
  return {
    kind: 'load',
    done,
    errors: sum(runs, (run) => run.errors),
    rate: done / seconds,
    rates: runs.map((run) => run.done / run.seconds),
    p50: percentile(sorted, 0.5),
    p95: percentile(sorted, 0.95),
    p99: percentile(sorted, 0.99),
    loadShare: sum(runs, (run) => run.loadCpu) / seconds,
    ...(cpu && { cpu }),
    ...(idle.length > 0 && { idleShare: Math.max(...idle) }),
    ...(complaint && { complaint }),
  };
}

function cpuEach(runs: readonly LoadRun[], done: number): (Cpu & { total: number }) | undefined {
  const seen = runs.flatMap((run) => run.cpu ?? []);
  if (seen.length < runs.length || done === 0) return undefined;
  const each = (role: keyof Cpu) => (sum(seen, (cpu) => cpu[role]) * 1000) / done;
  const [server, database, bus] = [each('server'), each('database'), each('bus')];
  return { server, database, bus, total: server + database + bus };
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0);
}
