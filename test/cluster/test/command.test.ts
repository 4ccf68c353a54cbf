import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { eventually, freePort, MatrixUser, SyncReader } from '@ganglion/testing';

const COMMAND = fileURLToPath(new URL('../src/main.ts', import.meta.url));

interface Command {
  readonly process: ChildProcess;
  readonly output: { text: string };
  readonly errors: Promise<string>;
  readonly ended: Promise<unknown[]>;
}

/** `npm run cluster`, without what the launcher does before. */
describe('the command that starts a cluster', () => {
  let data: string;
  const running: Command[] = [];

  beforeAll(async () => {
    data = await mkdtemp(join(tmpdir(), 'ganglion-command-'));
    // PostgreSQL may run as somebody else.
    await chmod(data, 0o755);
  });
  afterAll(async () => {
    for (const { process, ended } of running) {
      process.kill('SIGINT');
      await ended;
    }
    await rm(data, { recursive: true });
  }, 60_000);

  function run(...args: string[]): Command {
    const process = spawn(globalThis.process.execPath, [COMMAND, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { text: '' };
    process.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output.text += chunk;
    });
    const started = { process, output, errors: text(process.stderr), ended: once(process, 'exit') };
    running.push(started);
    return started;
  }

  async function cluster(port: number) {
    const started = run('--port', String(port), '--replicas', '1', '--data', data);
    await eventually(() => {
      if (started.process.exitCode === null) expect(started.output.text).toContain('Ctrl-C');
    }, 60_000);
    return started;
  }

  it('says what listens where, keeps what is said over a restart, and leaves no process behind', async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const first = await cluster(port);
    const pids = [...first.output.text.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid));
    expect(first.output.text).toContain(url);
    expect(pids).toHaveLength(8);
    const alice = await MatrixUser.register(url, 'alice');
    const roomId = await alice.createRoom();
    const eventId = await alice.sendText(roomId, 'still there?');
    first.process.kill('SIGINT');
    expect(await first.ended).toEqual([0, null]);
    expect(pids.filter(isAlive)).toEqual([]);

    const second = await cluster(port);
    const reader = new SyncReader(alice);
    await reader.until(() => reader.timeline(roomId).some(({ event_id }) => event_id === eventId));
    second.process.kill('SIGTERM');
    expect(await second.ended).toEqual([0, null]);
    await expect(fetch(url)).rejects.toThrow();
  }, 120_000);

  it('says what is wrong with what it was given', async () => {
    const wrong = run('--port', 'eight');
    expect(await wrong.ended).toEqual([1, null]);
    expect(await wrong.errors).toBe('--port: found eight, expected a whole number from 1 to 65535\n');
    const help = run('--help');
    expect(await help.ended).toEqual([0, null]);
    expect(help.output.text).toContain('npm run cluster');
  }, 30_000);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
