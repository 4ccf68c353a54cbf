import { execFile } from 'node:child_process';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@ganglion/embedded-postgres';
import { type NatsServer, startNatsServer } from '@ganglion/testing';
import pg from 'pg';
import { POD_ADDRESSES } from './control-plane.ts';

const run = promisify(execFile);

const PORT = 5432;

/** PostgreSQL and NATS, where pods reach them. */
export class Backing {
  readonly nats: NatsServer;
  readonly #folder: string;
  readonly #address: string;
  #postgres: EmbeddedPostgres | undefined;

  private constructor(folder: string, address: string, nats: NatsServer) {
    this.#folder = folder;
    this.#address = address;
    this.nats = nats;
  }

  static async start(folder: string, address: string): Promise<Backing> {
    const backing = new Backing(folder, address, await startNatsServer({ host: address, port: 4222 }));
    await backing.startPostgres();
    return backing;
  }

  /** As pods know it. */
  get databaseUrl(): string {
    return (this.#postgres as EmbeddedPostgres).url.replace('127.0.0.1', this.#address);
  }

  async startPostgres(): Promise<void> {
    const hba = join(this.#folder, 'pg_hba.conf');
    const from = ['127.0.0.1/32', POD_ADDRESSES];
    await writeFile(hba, from.map((network) => `host all all ${network} scram-sha-256\n`).join(''));
    await mkdir(this.#archive, { recursive: true });
    await chmod(this.#archive, 0o777);
    this.#postgres = await startEmbeddedPostgres({
      dataDir: this.#data,
      port: PORT,
      settings: {
        listen_addresses: `127.0.0.1,${this.#address}`,
        hba_file: hba,
        max_connections: '400',
        fsync: 'off',
        wal_level: 'replica',
        archive_mode: 'on',
        archive_command: `cp %p ${this.#archive}/%f`,
        restore_command: `cp ${this.#archive}/%f %p`,
      },
    });
  }

  async stopPostgres(): Promise<void> {
    await this.#postgres?.stop();
  }

  /** Copies the database while it is in use, so that it can be brought back together with the log that is archived from then on. */
  async backUp(): Promise<void> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      await client.query("SELECT pg_backup_start('copy', true)");
      await run('cp', ['-a', this.#data, this.#copy]);
      const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop()');
      await writeFile(join(this.#copy, 'backup_label'), rows[0].labelfile);
      await rm(join(this.#copy, 'postmaster.pid'), { force: true });
    } finally {
      await client.end();
    }
  }

  /** Throws the database away, and brings it back from its copy and the archived log, as it was last. */
  async restore(): Promise<void> {
    await this.stopPostgres();
    await rename(this.#data, `${this.#data}.lost`);
    await run('cp', ['-a', this.#copy, this.#data]);
    // What was not archived is lost with the old database.
    await run('find', [join(this.#data, 'pg_wal'), '-type', 'f', '-delete']);
    await writeFile(join(this.#data, 'recovery.signal'), '');
    await this.startPostgres();
  }

  async stop(): Promise<void> {
    await this.nats.close();
    await this.stopPostgres();
  }

  get #data(): string {
    return join(this.#folder, 'postgres');
  }

  get #copy(): string {
    return join(this.#folder, 'copy');
  }

  get #archive(): string {
    return join(this.#folder, 'archive');
  }
}
