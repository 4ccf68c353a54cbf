import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { KubeletSettings } from '../kubelet/settings.ts';
import { Program } from './program.ts';

const run = promisify(execFile);

const KUBELET = fileURLToPath(new URL('../kubelet/main.ts', import.meta.url));

/** A machine of the cluster: a kubelet and all that it runs, in a namespace of processes of its own. */
export class Node {
  #program: Program | undefined;

  readonly #settings: KubeletSettings;
  readonly #folder: string;

  constructor(settings: KubeletSettings, folder: string) {
    this.#settings = settings;
    this.#folder = folder;
  }

  get name(): string {
    return this.#settings.name;
  }

  async start(): Promise<void> {
    await this.#silence('delete').catch(() => {});
    await mkdir(this.#settings.folder, { recursive: true });
    const file = join(this.#folder, `${this.name}.json`);
    await writeFile(file, JSON.stringify(this.#settings), { mode: 0o600 });
    const alone = ['unshare', '--pid', '--mount', '--mount-proc', '--fork', '--kill-child=KILL', '--'];
    this.#program = await Program.start(this.name, join(this.#folder, 'logs'), [
      ...alone,
      process.execPath,
      KUBELET,
      file,
    ]);
  }

  /** As if its power were cut: from one moment to the next nothing comes from it, and what is sent there is never answered. */
  async die(): Promise<void> {
    await this.#silence('add');
    await this.#program?.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#program?.stop('SIGKILL');
  }

  async #silence(action: 'add' | 'delete'): Promise<void> {
    const table = `silent_${this.name.replaceAll('-', '_')}`;
    if (action === 'delete') return void (await run('nft', ['delete', 'table', 'ip', table]));
    const addresses = `${this.#settings.prefix}.0/24`;
    const rules = `ip saddr ${addresses} drop; ip daddr ${addresses} drop`;
    const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority -300; ${rules}; };`;
    await run('nft', [`table ip ${table} { ${['prerouting', 'output', 'postrouting'].map(chain).join(' ')} }`]);
  }
}
