import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ConfigInput } from '@ganglion/config';
import { Authority, freePort } from '@ganglion/testing';

const PROGRAM = fileURLToPath(new URL('../bin/ganglion.mjs', import.meta.url));
const NAME = 'one.test';

/** A homeserver as it is built, in a process of its own with a PostgreSQL of its own. */
export class Served {
  private constructor(
    readonly url: string,
    readonly authority: Authority,
    private readonly process: ChildProcess,
    private readonly folder: string,
  ) {}

  static async start(): Promise<Served> {
    const folder = await mkdtemp(join(tmpdir(), 'ganglion-bench-'));
    const authority = await Authority.create('the internet');
    const { ca } = await authority.issue(NAME);
    const port = await freePort();
    const config: ConfigInput = {
      server_names: [{ name: NAME }],
      data_dir: folder,
      database: { embedded: {} },
      http: { listeners: [{ host: '127.0.0.1', port }], drain_seconds: 0 },
      federation: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: ca },
      registration: { enabled: true, shared_secret: 'only for the benchmark' },
      passwords: { argon2: { memory_kib: 8, passes: 1 } },
      rate_limits: { enabled: false },
      telemetry: { log: { level: 'error' } },
    };
    const file = join(folder, 'ganglion.yaml');
    await writeFile(file, JSON.stringify(config));
    const child = spawn(process.execPath, [PROGRAM, 'start', '--config', file], { stdio: 'inherit' });
    const served = new Served(`http://127.0.0.1:${port}`, authority, child, folder);
    await served.#answers();
    return served;
  }

  /** Megabytes of memory that its own process has. */
  async memory(): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid}/status`, 'utf8');
    return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024);
  }

  /** Seconds of processor time that its own process has used. */
  async cpuSeconds(): Promise<number> {
    const [user, system] = await timesOf(this.process.pid!);
    return (user! + system!) / 100;
  }

  /** Seconds of processor time that PostgreSQL has used, with what it did for connections that are closed. */
  async databaseCpuSeconds(): Promise<number> {
    const used = await Promise.all((await descendantsOf(this.process.pid!)).map(ticksOf));
    return used.reduce((sum, ticks) => sum + ticks, 0) / 100;
  }

  async close(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    await ended;
    this.authority.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  async #answers(): Promise<void> {
    for (const end = Date.now() + 60_000; Date.now() < end; ) {
      const answer = await fetch(`${this.url}/_matrix/client/versions`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the homeserver does not start');
  }
}

/** In hundredths of a second: of a process in user mode and in the kernel, then the same of its children that have ended. */
async function timesOf(pid: number): Promise<number[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.split(') ')[1]?.split(' ') ?? [];
  return [11, 12, 13, 14].map((index) => Number(fields[index] ?? 0));
}

async function ticksOf(pid: number): Promise<number> {
  return (await timesOf(pid)).reduce((sum, time) => sum + time, 0);
}

async function descendantsOf(pid: number): Promise<number[]> {
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    tasks.map((task) => readFile(`/proc/${pid}/task/${task}/children`, 'utf8').catch(() => '')),
  );
  const children = texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number));
  return [...children, ...(await Promise.all(children.map(descendantsOf))).flat()];
}
