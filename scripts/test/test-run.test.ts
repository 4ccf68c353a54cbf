import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { ROOT } from '../launcher/paths.mjs';
import { findBase } from '../test-run/contracts.mjs';
import { needsTheMachine } from '../test-run/jest.mjs';
import { Tally } from '../test-run/tally.mjs';
import { folderWith, write } from './support.js';

interface Counts {
  passed?: number;
  failed?: number;
  suites?: number;
  pending?: number;
  todo?: number;
}

function report(counts: Counts, testResults: object[] = []) {
  return {
    numPassedTests: counts.passed ?? 0,
    numFailedTests: counts.failed ?? 0,
    numRuntimeErrorTestSuites: counts.suites ?? 0,
    numPendingTests: counts.pending ?? 0,
    numTodoTests: counts.todo ?? 0,
    testResults,
  };
}

describe('the closing line', () => {
  let tally: Tally;
  beforeEach(() => {
    jest.spyOn(console, 'log').mockImplementation(() => {});
    tally = new Tally();
  });
  afterEach(() => jest.restoreAllMocks());

  it('adds checks and tests', async () => {
    await tally.check('good', async () => undefined);
    await tally.check('bad', () => Promise.reject(new Error('bad')));
    tally.addJest(report({ passed: 3 }), 0);
    tally.addJest(report({ passed: 4, failed: 2 }), 1);
    expect(tally.summary()).toBe('8 passed, 3 failed');
  });

  it('counts what was skipped, or could not be loaded, as failed', () => {
    tally.addJest(report({ passed: 1, suites: 1, pending: 2, todo: 3 }), 1);
    expect(tally.summary()).toBe('1 passed, 6 failed');
  });

  it('leaves out what was not asked for by name', () => {
    tally.addJest(report({ passed: 1, pending: 200 }), 0, true);
    expect(tally.summary()).toBe('1 passed, 0 failed');
  });

  it('comes after what failed, each with how it began', async () => {
    await tally.check('lint', () => Promise.reject(new Error('a quarrel\n\nabout a comma')));
    const red = `${String.fromCharCode(27)}[31m`;
    const failureMessages = [`${red}a word too much`, ...Array.from({ length: 100 }, (_, n) => `at line ${n}`)];
    const assertionResults = [
      { status: 'failed', fullName: 'a poem rhymes', failureMessages },
      { status: 'passed', fullName: 'a song is sung', failureMessages: [] },
    ];
    const results = [
      { name: 'poems.test.ts', message: 'all', assertionResults },
      { name: 'prose.test.ts', message: 'cannot be read', assertionResults: [] },
      { name: 'songs.test.ts', message: '', assertionResults: assertionResults.slice(1) },
    ];
    tally.addJest(report({ failed: 1, suites: 1, passed: 1 }, results), 1);
    const [lint, poems, prose, ...others] = tally.failures().trim().split('\n\n');
    expect(lint).toBe('FAIL lint\n    a quarrel\n    about a comma');
    expect(poems).toMatch(/^FAIL poems.test.ts: a poem rhymes\n {4}a word too much\n {4}at line 0\n/);
    expect(poems?.split('\n')).toHaveLength(21);
    expect(prose).toBe('FAIL prose.test.ts\n    cannot be read');
    expect(others).toEqual([]);
    expect(tally.summary()).toBe('1 passed, 3 failed');
  });

  it('never calls a run good that ended badly', () => {
    tally.addJest(report({ passed: 5 }), 'SIGKILL');
    expect(tally.summary()).toBe('5 passed, 1 failed');
  });
});

it('tells the tests apart that need the machine for themselves', () => {
  expect(needsTheMachine(join(ROOT, 'test/cluster/test/kill.test.ts'))).toBe(true);
  expect(needsTheMachine(join(ROOT, 'test/e2e/test/talk.test.ts'))).toBe(true);
  expect(needsTheMachine(join(ROOT, 'libs/bus/test/e2e/x.test.ts'))).toBe(false);
});

describe('the contracts to compare with', () => {
  const git = (folder: string, ...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], {
      cwd: folder,
      encoding: 'utf8',
    }).trim();
  const commit = (folder: string, files: Record<string, string>): string => {
    write(folder, files);
    git(folder, 'add', '-A');
    git(folder, 'commit', '-qm', 'x');
    return git(folder, 'rev-parse', 'HEAD');
  };
  const repository = () => {
    const folder = folderWith();
    git(folder, 'init', '-qb', 'main');
    return folder;
  };

  it('are none outside of git, on the first commit, and when the one before had none', () => {
    expect(findBase(folderWith())).toBeUndefined();
    const folder = repository();
    commit(folder, { readme: '' });
    expect(findBase(folder)).toBeUndefined();
    commit(folder, { 'proto/buf.yaml': '' });
    expect(findBase(folder)).toBeUndefined();
  });

  it('are those of the commit before, on main', () => {
    const folder = repository();
    const first = commit(folder, { 'proto/buf.yaml': '' });
    commit(folder, { 'proto/a.proto': '' });
    expect(findBase(folder)).toBe(first);
  });

  it('are those where a branch has left main', () => {
    const origin = repository();
    const fork = commit(origin, { 'proto/buf.yaml': '' });
    const folder = join(folderWith(), 'clone');
    git(origin, 'clone', '-q', origin, folder);
    git(folder, 'checkout', '-qb', 'topic');
    commit(folder, { 'proto/a.proto': '' });
    commit(folder, { 'proto/b.proto': '' });
    expect(findBase(folder)).toBe(fork);
  });

  it('are none in a shallow clone of one commit', () => {
    const origin = repository();
    commit(origin, { 'proto/buf.yaml': '' });
    commit(origin, { 'proto/a.proto': '' });
    const folder = join(folderWith(), 'clone');
    git(origin, 'clone', '-q', '--depth', '1', `file://${origin}`, folder);
    expect(findBase(folder)).toBeUndefined();
  });
});
