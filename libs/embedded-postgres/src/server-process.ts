import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { RunAs } from './run-as.js';

/**
 * Runs the program until its own standard input ends, which happens when we close it and also when we are killed.
 * So no PostgreSQL is ever left behind. SIGINT is PostgreSQL's fast shutdown: connections are closed, all is written.
 */
const GUARD = `
"$0" "$@" 3<&- </dev/null & server=$!
{ cat <&3 >/dev/null; kill -INT $server 2>/dev/null; } &
exec 3<&-
wait $server
`;

/** A running PostgreSQL, in a session of its own so that Ctrl-C reaches us and not it. */
export class ServerProcess {
  readonly #child: ChildProcess;
  #output = '';

  constructor(postgres: string, args: readonly string[], runAs: RunAs, onLog: (line: string) => void) {
    const [command = 'sh', ...rest] = [...runAs.prefix, 'sh', '-c', GUARD, postgres, ...args];
    const ids = runAs.prefix.length === 0 ? runAs.ids : {};
    this.#child = spawn(command, rest, {
      cwd: '/',
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
      ...ids,
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#output = `${this.#output}${text}`.slice(-4000);
      for (const line of text.split('\n')) if (line !== '') onLog(line);
    });
    this.#child.on('error', (error) => {
      this.#output += error.message;
    });
    this.#child.on('exit', () => this.#child.stdio[3]?.destroy());
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined;
  }

  /** The last that it said. */
  get output(): string {
    return this.#output.trim();
  }

  /** Shuts it down and waits until it is gone. */
  async stop(): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, 'exit');
    this.#child.stdio[3]?.destroy();
    await exited;
  }
}
