import type { Role } from '../types.ts';

/** One process as /proc/<pid>/stat shows it. */
export interface ProcessStat {
  pid: number;
  name: string;
  parent: number;
  /** Clock ticks in user and system mode, its own and those of children it has waited for. */
  ticks: number;
}

/** The unit of the times in /proc: USER_HZ, which Linux fixes at 100 on every architecture Node runs on. */
export const ticksPerSecond = 100;

/** Reads a line of /proc/<pid>/stat; the name stands in parentheses and may itself hold any character. */
export function parseStat(text: string): ProcessStat {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  const times = rest.slice(11, 15).map(Number);
  return {
    pid: Number(text.slice(0, open)),
    name: text.slice(open + 1, close),
    parent: Number(rest[1]),
    ticks: times.reduce((total, time) => total + time, 0),
  };
}

/** A "Name:   123 kB" field of /proc/<pid>/status or smaps_rollup, in bytes. */
export function parseKilobytes(text: string, field: string): number | undefined {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text);
  return found ? Number(found[1]) * 1024 : undefined;
}

/** The processes with these ids, and all that descend from them. */
export function family(all: readonly ProcessStat[], roots: readonly number[]): ProcessStat[] {
  const children = Map.groupBy(all, (process) => process.parent);
  const byPid = new Map(all.map((process) => [process.pid, process]));
  const found = new Map<number, ProcessStat>();
  const queue = roots.flatMap((pid) => byPid.get(pid) ?? []);
  for (let next = queue.pop(); next; next = queue.pop()) {
    if (found.has(next.pid)) continue;
    found.set(next.pid, next);
    queue.push(...(children.get(next.pid) ?? []));
  }
  return [...found.values()];
}

/** Which part of a homeserver a process of this name is. */
export function roleOf(name: string): Role {
  if (/^(postgres|postmaster)/.test(name)) return 'database';
  if (/^nats-server/.test(name)) return 'bus';
  return 'server';
}
