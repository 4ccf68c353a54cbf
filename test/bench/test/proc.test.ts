import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenersOf, listeningInodes } from '../src/proc/listener.ts';
import { cpuBetween, Probe, probeOf } from '../src/proc/probe.ts';
import { family, parseKilobytes, parseStat, roleOf } from '../src/proc/stat.ts';

const statLine = (pid: number, name: string, parent: number, ticks: number) =>
  `${pid} (${name}) S ${parent} 1 1 0 -1 4194560 5 0 0 0 ${ticks} 20 3 4 20 0 11 0 100 9 9 18446744073709551615`;

describe('parseStat', () => {
  it('adds up the times, those of ended children too', () => {
    expect(parseStat(statLine(42, 'node', 7, 10))).toEqual({ pid: 42, name: 'node', parent: 7, ticks: 37 });
  });

  it('is not led astray by what a process calls itself', () => {
    expect(parseStat(statLine(42, 'a) S 1 (b', 7, 10))).toMatchObject({ name: 'a) S 1 (b', parent: 7 });
  });
});

describe('parseKilobytes', () => {
  it('finds the field and nothing that ends like it', () => {
    const text = 'VmHWM:\t 9 kB\nVmRSS:\t  12 kB\nRssAnon: 3 kB\n';
    expect(parseKilobytes(text, 'VmRSS')).toBe(12_288);
    expect(parseKilobytes(text, 'RSS')).toBeUndefined();
  });
});

describe('family', () => {
  const process = (pid: number, parent: number) => ({ pid, parent, name: 'x', ticks: 0 });

  it('is all who descend from the roots, each once', () => {
    const all = [process(1, 0), process(2, 1), process(3, 2), process(4, 1), process(5, 0)];
    const pids = family(all, [2, 3, 4, 99]).map((found) => found.pid);
    expect(pids.sort()).toEqual([2, 3, 4]);
  });

  it('ends even when ids were used again and go in a circle', () => {
    expect(family([process(1, 2), process(2, 1)], [1])).toHaveLength(2);
  });
});

describe('roleOf', () => {
  it.each([
    ['postgres', 'database'],
    ['nats-server', 'bus'],
    ['node', 'server'],
    ['python', 'server'],
  ])('%s is the %s', (name, role) => {
    expect(roleOf(name)).toBe(role);
  });
});

describe('Probe', () => {
  const proc = mkdtempSync(join(tmpdir(), 'bench-proc-'));
  const add = (pid: number, name: string, parent: number, ticks: number, kilobytes: number) => {
    mkdirSync(join(proc, String(pid)), { recursive: true });
    writeFileSync(join(proc, String(pid), 'stat'), statLine(pid, name, parent, ticks));
    writeFileSync(join(proc, String(pid), 'status'), `Name:\t${name}\nVmRSS:\t${kilobytes} kB\n`);
  };

  afterEach(() => rmSync(proc, { recursive: true, force: true }));

  it('tells the server from its database, and from everybody else', () => {
    add(10, 'node', 1, 73, 100);
    add(11, 'postgres', 10, 173, 50);
    add(12, 'node', 1, 999, 999);
    writeFileSync(join(proc, '11', 'smaps_rollup'), 'Rss: 50 kB\nPss:  20 kB\n');
    const probe = new Probe([10], proc);
    expect(probe.cpu()).toEqual({ server: 1, database: 2, bus: 0 });
    expect(probe.memory()).toEqual({
      server: { rss: 102_400, pss: 102_400, processes: 1 },
      database: { rss: 51_200, pss: 20_480, processes: 1 },
      bus: { rss: 0, pss: 0, processes: 0 },
    });
  });

  it('is there only for processes that are', () => {
    expect(probeOf([])).toBeUndefined();
    expect(probeOf([2 ** 30])).toBeUndefined();
    expect(probeOf([process.pid])?.memory().server.rss).toBeGreaterThan(1e6);
  });

  it('subtracts one look from the next', () => {
    const before = { server: 1, database: 2, bus: 3 };
    expect(cpuBetween(before, { server: 2, database: 4, bus: 6 })).toEqual({ server: 1, database: 2, bus: 3 });
  });
});

describe('who listens on a port', () => {
  const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F48 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1
   1: 0100007F:1F48 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1
   2: 0100007F:2328 0100007F:1F48 0A 00000000:00000000 00:00000000 00000000     0        0 333 1\n`;

  it('is neither who is connected to it, nor who connects from it', () => {
    expect(listeningInodes(table, 8008)).toEqual(['111']);
    expect(listeningInodes(table, 80)).toEqual([]);
    expect(listeningInodes('', 80)).toEqual([]);
  });

  it('is found on this machine', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    expect(listenersOf(`http://127.0.0.1:${port}`)).toContain(process.pid);
    await new Promise((resolve) => server.close(resolve));
    expect(listenersOf(`http://127.0.0.1:${port}`)).toEqual([]);
  });

  it('is not looked for elsewhere', () => {
    expect(listenersOf('https://matrix.example.org')).toEqual([]);
  });
});
