import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that runs in the background, with a log. */
export class Program {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  readonly name: string;
  readonly log: string;

  private constructor(name: string, log: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name;
    this.log = log;
    const [command = '', ...args] = argv;
    const out = openSync(log, 'a');
    this.#child = spawn(command, args, { stdio: ['ignore', out, out], env, detached: true });
    this.#exited = once(this.#child, 'exit').catch(() => {});
  }

  static async start(name: string, logs: string, argv: readonly string[], env = process.env): Promise<Program> {
    await mkdir(logs, { recursive: true });
    return new Program(name, join(logs, `${name}.log`), argv, env);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it and waits until it is gone; one that does not go in time is killed. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patienceMs = 10_000): Promise<void> {
    if (!this.running) return;
    this.#child.kill(signal);
    const hurry = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await this.#exited;
    clearTimeout(hurry);
  }

  /**
   * Waits until it is ready.
   *
   * @throws Error with the end of its log when it ends before, or takes longer than a minute
   */
  async until(ready: () => Promise<boolean>, patienceMs = 60_000): Promise<void> {
    const deadline = Date.now() + patienceMs;
    while (!(await ready().catch(() => false))) {
      if (!this.running || Date.now() > deadline) {
        const said = await readFile(this.log, 'utf8').catch(() => '');
        throw new Error(`${this.name} did not start: ${said.slice(-2_000)}`);
      }
      await sleep(100);
    }
  }
}
