import { bench } from '../src/main.ts';
import { fullPlan, type Options } from '../src/options.ts';
import { renderHtml } from '../src/report/html.ts';
import { renderText } from '../src/report/report.ts';
import type { LoadSummary, MemorySummary, Result, Target } from '../src/types.ts';
import { FakeHomeserver, type Flaws } from './fake-homeserver.ts';

const servers: FakeHomeserver[] = [];

async function started(flaws?: Flaws): Promise<Target> {
  const server = new FakeHomeserver(flaws);
  servers.push(server);
  return { name: '', url: await server.listen(), pids: [], idlePids: [] };
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const tiny = {
  ...fullPlan,
  rounds: 1,
  seconds: 0.2,
  villagers: 3,
  villageRooms: 12,
  villageMessages: 2,
  fewRooms: 1,
  manyRooms: 3,
  throng: 2,
  plots: 3,
  deliveries: 2,
  readers: 3,
  joinRooms: 1,
  claims: 20,
  keyOwners: 3,
  smallFile: 100,
  largeFile: 200_000,
  filesAtOnce: 4,
  pace: 100,
  warmUp: 0.05,
  settle: 50,
  interval: 50,
  patience: 500,
  calm: 0,
};

function optionsFor(targets: Target[], only: string[] = []): Options {
  return { help: false, targets, plan: tiny, only };
}

function load(results: readonly Result[], id: string): LoadSummary {
  return results.find((result) => result.id === id)?.sides[0] as LoadSummary;
}

describe('the benchmark against a homeserver', () => {
  it('runs every measurement and reports it', async () => {
    const target = await started();
    const report = await bench(optionsFor([{ ...target, idlePids: [process.pid] }]));
    const loads = report.results.filter((result) => result.headline !== 'memory');
    expect(loads).toHaveLength(29);
    for (const { id } of loads) expect([id, load(report.results, id).errors]).toEqual([id, 0]);
    for (const { id } of loads) expect(load(report.results, id).p50).toBeGreaterThan(0);
    expect(load(report.results, 'delivery').done).toBe(6);
    expect(load(report.results, 'sync-initial').done).toBe(3);
    expect(load(report.results, 'joins-many').done).toBe(3);
    expect(report.targets[0]?.name).toBe('Fake 1');
    expect(servers[0]?.registered).toHaveLength(14);
    expect(renderText(report)).toContain('sends over many rooms, 64 in flight');
    expect(renderHtml(report)).toContain('<svg');
  }, 60_000);

  it('finds the processes of a server on this machine and measures them', async () => {
    const { results } = await bench(optionsFor([await started()], ['sends-many-16', 'memory-after', 'replica']));
    const held = results.at(-1)?.sides[0] as MemorySummary;
    expect(held.memory?.server.rss).toBeGreaterThan(1e6);
    expect(load(results, 'sends-many-16').cpu?.server).toBeGreaterThan(0);
    expect(load(results, 'replica').idleShare).toBeUndefined();
  }, 60_000);

  it('lets two take turns and compares them', async () => {
    const targets = [await started(), await started()];
    const turns: string[] = [];
    const options = optionsFor(targets, ['sends-many-64']);
    const report = await bench({ ...options, plan: { ...tiny, rounds: 2 } }, (line) => turns.push(line));
    expect(report.results[0]?.sides).toHaveLength(2);
    expect(turns.slice(2)).toHaveLength(4);
    expect(report.verdicts.map((verdict) => verdict.text)).toContain('sends at 64 in flight ≥ 20×');
    expect(renderText(report)).toContain('better');
  }, 60_000);

  it('gives up, and says why, when most requests are refused', async () => {
    const target = await started({ limited: true });
    // It ends with the hundredth refusal, however long that takes.
    const options = optionsFor([target], ['sends-many-16']);
    const run = bench({ ...options, plan: { ...tiny, seconds: 60 } });
    await expect(run).rejects.toThrow('Fake 1, sends-many-16: most requests fail: 429 M_LIMIT_EXCEEDED');
  }, 60_000);

  it('counts messages that never arrive', async () => {
    const target = await started({ loses: /^delivery \d+ 1$/ });
    const { results } = await bench(optionsFor([target], ['delivery']));
    expect(load(results, 'delivery')).toMatchObject({ done: 3, errors: 3, complaint: 'a message did not arrive' });
  }, 60_000);

  it('says so when nobody answers, or a process is not there', async () => {
    const target: Target = { name: '', url: 'http://127.0.0.1:1', pids: [], idlePids: [] };
    await expect(bench(optionsFor([target]))).rejects.toThrow('No homeserver answers at http://127.0.0.1:1');
    await expect(bench(optionsFor([{ ...target, pids: [2 ** 30] }]))).rejects.toThrow('There is no process 1073741824');
  });
});
