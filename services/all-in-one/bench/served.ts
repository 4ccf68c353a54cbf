import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
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
    const fields = (await readFile(`/proc/${this.process.pid}/stat`, 'utf8')).split(') ')[1]!.split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
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
