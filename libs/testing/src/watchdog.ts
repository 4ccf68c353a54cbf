import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Ends every process whose id is in a `pid` file, then removes the folder. */
const SCRIPT = 'read _; for f in "$0"/*pid; do [ -f "$f" ] && kill -9 "$(cat "$f")" 2>/dev/null; done; rm -rf "$0"';

/**
 * Looks after a folder and the processes whose ids are in its files called `pid` or `….pid`: when this process ends,
 * however that comes about, they end too and the folder is gone.
 */
export class Watchdog {
  readonly #process: ChildProcess;

  constructor(folder: string) {
    // Its standard input ends when this process does.
    this.#process = spawn('sh', ['-c', SCRIPT, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  }

  /** Has it do its work now. */
  async release(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.stdin?.end();
    await gone;
  }
}
