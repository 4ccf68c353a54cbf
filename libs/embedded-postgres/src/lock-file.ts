import { execFileSync } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Makes way for a new server. A lock that a killed machine or container left behind is removed even when another
 * program got its process id since, which PostgreSQL itself cannot tell; a server that is stopping is waited for.
 *
 * @throws Error when a server keeps running on these files
 */
export async function clearLock(dataDir: string, patienceMs = 10_000): Promise<void> {
  const file = join(dataDir, 'postmaster.pid');
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const pid = await readPid(file);
    if (pid === undefined) return;
    if (!isPostgres(pid)) return rm(file, { force: true });
    if (Date.now() > deadline) {
      throw new Error(
        `Another Ganglion uses the database in ${dataDir} (PostgreSQL is process ${pid}). Stop it first.`,
      );
    }
    await sleep(50);
  }
}

/** Whether a server runs on these files. */
export async function isInUse(dataDir: string): Promise<boolean> {
  const pid = await readPid(join(dataDir, 'postmaster.pid'));
  return pid !== undefined && isPostgres(pid);
}

async function readPid(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const pid = Number.parseInt(text, 10);
  return pid > 0 ? pid : undefined;
}

function isPostgres(pid: number): boolean {
  try {
    const command = execFileSync('ps', ['-o', 'comm=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    return command.includes('postgres');
  } catch {
    return false;
  }
}
