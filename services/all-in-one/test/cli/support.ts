import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, ServiceName } from '@ganglion/config';
import type { CliContext, MovedMedia, Work } from '../../src/cli/context.js';
import { runCli } from '../../src/cli/run.js';

/** A shell with a folder of its own, in which the command is run and what it does is written down. */
export class TestShell implements CliContext, Work {
  readonly cwd = mkdtempSync(join(tmpdir(), 'ganglion-cli-'));
  readonly env: Record<string, string> = {};
  readonly done: string[] = [];
  output = '';
  errors = '';
  password = 'correct horse';
  discrepancies: string[] = [];
  moved: MovedMedia | undefined;
  stop!: () => void;
  readonly #stopped = new Promise<void>((resolve) => {
    this.stop = resolve;
  });

  out(text: string): void {
    this.output += text;
  }

  err(text: string): void {
    this.errors += text;
  }

  async askSecret(): Promise<string> {
    return this.password;
  }

  untilStopped(): Promise<void> {
    return this.#stopped;
  }

  prepare(): void {}

  async startServices(config: Config, services: readonly ServiceName[]) {
    this.done.push(`start ${services.join(' ')} on ${new URL(config.database.url!).protocol}`);
    return { listening: ['http://127.0.0.1:8008'], stop: async () => void this.done.push('stop') };
  }

  async migrateAll(config: Config): Promise<void> {
    this.done.push(`migrate ${new URL(config.database.url!).pathname}`);
  }

  async verifyMedia(_config: Config, report: (line: string) => void): Promise<number> {
    for (const line of this.discrepancies) report(line);
    return 12;
  }

  async moveMedia(): Promise<MovedMedia | undefined> {
    return this.moved;
  }

  run(...args: string[]): Promise<number> {
    return runCli(args, this, this);
  }

  file(name: string, text: string): string {
    const path = join(this.cwd, name);
    writeFileSync(path, text);
    return path;
  }

  remove(): void {
    rmSync(this.cwd, { recursive: true, force: true });
  }
}

/** A configuration whose database runs elsewhere. */
export const EXTERNAL = `
server_names: [{name: example.org}]
database: {url: "postgresql://u@127.0.0.1:1/d"}
registration: {shared_secret: much too secret}
`;
