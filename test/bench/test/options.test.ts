import { help } from '../src/help.ts';
import { catalogue } from '../src/measure/catalogue.ts';
import { measureIds } from '../src/measure/ids.ts';
import { parseOptions, UsageError } from '../src/options.ts';

describe('parseOptions', () => {
  it('loads our own server when nothing is said', () => {
    const { targets, plan, only } = parseOptions([]);
    expect(targets).toEqual([{ name: '', url: 'http://127.0.0.1:8008', pids: [], idlePids: [] }]);
    expect([plan.rounds, plan.seconds, only]).toEqual([3, 5, []]);
  });

  it('compares two, with a secret and processes for each', () => {
    const line = '--target http://a/ --compare https://b/hs --shared-secret s --pid 1,2 --pid-a 3 --pid-b 4 --name-b B';
    const [first, second] = parseOptions([...line.split(' '), '--shared-secret-b', 't']).targets;
    expect(first).toMatchObject({ url: 'http://a', pids: [1, 2, 3], sharedSecret: 's' });
    expect(second).toMatchObject({ url: 'https://b/hs', pids: [4], sharedSecret: 't', name: 'B' });
  });

  it('uses one secret for both when only one is given', () => {
    const { targets } = parseOptions('--compare http://b --shared-secret s'.split(' '));
    expect(targets.map((target) => target.sharedSecret)).toEqual(['s', 's']);
  });

  it('lets single options overrule --quick', () => {
    const { plan } = parseOptions('--quick --rounds 2 --seconds 0.5'.split(' '));
    expect([plan.rounds, plan.seconds]).toEqual([2, 0.5]);
    expect(plan.plots).toBeLessThan(parseOptions([]).plan.plots);
  });

  it('takes measurements by name and by how they begin', () => {
    expect(parseOptions(['--only', 'sync,delivery']).only).toEqual([
      'sync-empty',
      'sync-busy',
      'sync-initial',
      'sync-lazy',
      'delivery',
    ]);
  });

  it.each([
    ['an unknown option', '--fast'],
    ['an unknown measurement', '--only syncs'],
    ['what is no URL', '--target localhost:8008'],
    ['another protocol', '--compare ftp://b'],
    ['a process that is no number', '--pid 1,x'],
    ['process 0', '--compare http://b --pid-b 0'],
    ['no rounds at all', '--rounds 0'],
    ['endless rounds', '--seconds Infinity'],
    ['a stray word', 'http://a'],
  ])('refuses %s', (_, line) => {
    expect(() => parseOptions(line.split(' '))).toThrow(UsageError);
  });
});

describe('the list of measurements', () => {
  it('is what the catalogue holds, in that order', () => {
    expect(catalogue.map((measure) => measure.id)).toEqual([...measureIds]);
  });

  it('stands in the help, within the width of a wide terminal', () => {
    for (const id of measureIds) expect(help).toContain(id);
    expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });
});
