import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface ServerProcessOptions {
  /** Of this process among those of its deployment; names its files. */
  readonly name: string;
  /** What follows `ganglion`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Its process id is kept here while it runs. */
  readonly folder: string;
  /** Its log grows here. */
  readonly logs: string;
  /** Each answers 200 as soon as it is ready. */
  readonly health: readonly string[];
}

/** What Node runs, before the arguments of `ganglion`. */
export type Program = readonly string[];

const GANGLION: Program = [fileURLToPath(new URL('../../../../services/all-in-one/bin/ganglion.mjs', import.meta.url))];
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 150;

/** The built `ganglion`, or another program in its place, in a process of its own. */
export class ServerProcess {
  #child: ChildProcess | undefined;

  constructor(private readonly options: ServerProcessOptions) {}

  get name(): string {
    return this.options.name;
  }

  /** While it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get logFile(): string {
    return join(this.options.logs, `${this.name}.log`);
  }

  /** Resolves when it is ready. @throws Error with the end of its log when it does not get there */
  async start(program = GANGLION): Promise<void> {
    const child = this.#spawn(program);
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await allAnswer(this.options.health))) {
      if (hasEnded(child) || Date.now() > deadline)
        throw new Error(`${this.name} did not start:\n${await this.#tail()}`);
      await sleep(POLL_MS);
    }
  }

  /** Runs it to its end. @throws Error with the end of its log when it fails */
  async run(program = GANGLION): Promise<void> {
    const child = this.#spawn(program);
    if (!hasEnded(child)) await once(child, 'exit');
    if (child.exitCode !== 0) throw new Error(`${this.name} failed:\n${await this.#tail()}`);
  }

  /** Ends it as a power cut would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it as an operator would; what takes too long over it is killed. */
  async stop(): Promise<void> {
    const late = new AbortController();
    const patience = sleep(STOP_TIMEOUT_MS, undefined, { signal: late.signal }).then(
      () => this.kill(),
      () => {},
    );
    await Promise.race([this.#end('SIGTERM'), patience]);
    late.abort();
  }

  #spawn(program: Program): ChildProcess {
    const { args, env, folder } = this.options;
    const log = openSync(this.logFile, 'a');
    const child = spawn(process.execPath, [...program, ...args], {
      stdio: ['ignore', log, log],
      // Ctrl-C is for whoever started it, who then stops things in order.
      detached: true,
      env: { ...inherited(), ...env, NODE_OPTIONS: '' },
    });
    closeSync(log);
    const pidFile = join(folder, `${this.name}.pid`);
    void writeFile(pidFile, String(child.pid));
    child.once('exit', () => {
      if (this.#child !== child) return;
      this.#child = undefined;
      void rm(pidFile, { force: true });
    });
    this.#child = child;
    return child;
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async #tail(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    return log.split('\n').slice(-40).join('\n');
  }
}

/** Settings of whoever runs the tests are not those of the servers in them. */
function inherited(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GANGLION_')));
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function allAnswer(urls: readonly string[]): Promise<boolean> {
  const answers = await Promise.all(urls.map((url) => fetch(url).catch(() => undefined)));
  await Promise.all(answers.map((answer) => answer?.arrayBuffer()));
  return answers.every((answer) => answer?.ok);
}
