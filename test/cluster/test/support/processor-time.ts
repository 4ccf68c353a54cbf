import { readFile } from 'node:fs/promises';

/** The unit of the times in /proc, on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that a process has used so far. */
async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The part of one core that a process uses while something happens. */
export async function shareOfACore(pid: number, happening: () => Promise<void>): Promise<number> {
  const [began, before] = [performance.now(), await processorTime(pid)];
  await happening();
  return ((await processorTime(pid)) - before) / ((performance.now() - began) / 1_000);
}
