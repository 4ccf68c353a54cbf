import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-ports.js';
import { natsServerBinary } from './nats-server-binary.js';
import { Watchdog } from './watchdog.js';

export interface NatsServerOptions {
  /** Where JetStream keeps its files; by default a folder of its own that is removed by close(). */
  readonly storeDir?: string;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
  /** The text of a configuration file, for what the options of the command line cannot say. */
  readonly configuration?: string;
}

/** A real nats-server with JetStream, to be broken at will. */
export interface NatsServer {
  readonly url: string;
  /** Ends it with SIGKILL: what it had not written is lost. */
  kill(): Promise<void>;
  /** Ends it as an operator would. */
  stop(): Promise<void>;
  /** Lets it hang: connections stay, and nobody answers. */
  freeze(): void;
  thaw(): void;
  /**
   * Starts it again on the same port, after killing it if need be; `wipe` removes all of JetStream's files before,
   * `configuration` replaces that of the start.
   */
  restart(options?: { readonly wipe?: boolean; readonly configuration?: string }): Promise<void>;
  /** Ends it and removes what it has left behind. It ends with this process when nobody closes it before. */
  close(): Promise<void>;
}

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 10;

/** @throws Error when there is no nats-server to be had, or it does not start */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-nats-'));
  const { host = '127.0.0.1', port = await freePort(), storeDir = join(folder, 'store') } = options;
  const server = new TestNatsServer(await natsServerBinary(), folder, storeDir, host, port);
  await server.restart({ configuration: options.configuration ?? '' });
  return server;
}

class TestNatsServer implements NatsServer {
  readonly url: string;
  readonly #configuration: string;
  readonly #binary: string;
  readonly #folder: string;
  readonly #storeDir: string;
  readonly #host: string;
  readonly #port: number;
  readonly #watchdog: Watchdog;
  #process: ChildProcess | undefined;

  constructor(binary: string, folder: string, storeDir: string, host: string, port: number) {
    this.url = `nats://${host}:${port}`;
    this.#configuration = join(folder, 'nats.conf');
    this.#binary = binary;
    this.#folder = folder;
    this.#storeDir = storeDir;
    this.#host = host;
    this.#port = port;
    this.#watchdog = new Watchdog(folder);
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  async restart(options: { readonly wipe?: boolean; readonly configuration?: string } = {}): Promise<void> {
    const { wipe = false, configuration } = options;
    await this.kill();
    if (configuration !== undefined) await writeFile(this.#configuration, configuration);
    if (wipe) await rm(this.#storeDir, { recursive: true, force: true });
    await mkdir(this.#storeDir, { recursive: true });
    const pidFile = join(this.#folder, 'pid');
    const files = ['-c', this.#configuration, '-sd', this.#storeDir, '-P', pidFile];
    const child = spawn(this.#binary, ['-a', this.#host, '-p', String(this.#port), '-js', ...files], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // Ctrl-C is for whoever started it.
      detached: true,
    });
    child.stderr.pipe(createWriteStream(join(this.#folder, 'log')));
    this.#process = child;
    await this.#ready(child);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#watchdog.release();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || hasEnded(child)) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    await rm(join(this.#folder, 'pid'), { force: true });
  }

  async #ready(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(this.#host, this.#port))) {
      if (hasEnded(child) || Date.now() > deadline) {
        const log = await readFile(join(this.#folder, 'log'), 'utf8').catch(() => '');
        throw new Error(`nats-server did not start: ${log}`);
      }
      await sleep(POLL_MS);
    }
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Whether a server greets on the port, and with JetStream switched on. */
function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (greeting) => done(greeting.includes('"jetstream":true')));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
