import { readdir, readFile } from 'node:fs/promises';

/** The processes that a process has make thumbnails. */
export async function workersOf(parent: number): Promise<number[]> {
  const found: number[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (Number(text.split(') ')[1]?.split(' ')[1]) === parent && command.includes('thumbnail-worker')) {
      found.push(Number(pid));
    }
  }
  return found;
}
