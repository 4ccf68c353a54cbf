import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../launcher/lock.mjs';
import { runQuietly } from '../launcher/run.mjs';
import { fingerprint, Stamp } from '../launcher/stamp.mjs';
import { isNewEnough } from '../launcher/toolchain.mjs';
import { folderWith, write } from './support.js';

describe('the fingerprint of the sources', () => {
  it('stays while nothing changes, whatever is built', () => {
    const folder = folderWith({ 'src/a.ts': 'a', 'src/b/c.ts': 'c' });
    const before = fingerprint([join(folder, 'src'), join(folder, 'missing')]);
    write(folder, { 'src/dist/a.js': 'a', 'src/gen/b.ts': 'b', 'src/node_modules/x/index.js': 'x' });
    expect(fingerprint([join(folder, 'src'), join(folder, 'missing')])).toBe(before);
  });

  it.each<[string, (folder: string) => void]>([
    ['a file is written', (folder) => write(folder, { 'src/a.ts': 'longer' })],
    ['a file comes', (folder) => write(folder, { 'src/b/d.ts': '' })],
    ['a file goes', (folder) => rmSync(join(folder, 'src/b/c.ts'))],
    ['a path that was missing comes', (folder) => write(folder, { missing: '' })],
  ])('changes when %s', (_, change) => {
    const folder = folderWith({ 'src/a.ts': 'a', 'src/b/c.ts': 'c' });
    const paths = [join(folder, 'src'), join(folder, 'missing')];
    const before = fingerprint(paths);
    change(folder);
    expect(fingerprint(paths)).not.toBe(before);
  });
});

it('a stamp remembers one value, and makes the folder it is in', () => {
  const stamp = new Stamp(join(folderWith(), 'new/stamp'));
  expect(stamp.is('a')).toBe(false);
  stamp.set('a');
  expect(stamp.is('a')).toBe(true);
  expect(stamp.is('b')).toBe(false);
});

it.each([
  ['20.11.0', false],
  ['25.9.9', false],
  ['26.0.0', true],
  ['100.1.0', true],
])('whether Node %s can run Ganglion: %s', (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

describe('the lock of the set-up', () => {
  it('lets one in at a time', async () => {
    const lock = join(folderWith(), 'tools/lock');
    const seen: string[] = [];
    const visit = (name: string) =>
      withLock(
        lock,
        () => seen.push(`${name} waits`),
        async () => {
          seen.push(`${name} enters`);
          await new Promise((resolve) => setTimeout(resolve, 50));
          seen.push(`${name} leaves`);
        },
      );
    await Promise.all([visit('a'), visit('b')]);
    expect(seen).toEqual(['a enters', 'b waits', 'a leaves', 'b enters', 'b leaves']);
    expect(existsSync(lock)).toBe(false);
  });

  it('is free again when the work fails, and when its holder is gone', async () => {
    const folder = folderWith();
    const lock = join(folder, 'lock');
    const fail = () => Promise.reject(new Error('no'));
    await expect(withLock(lock, () => {}, fail)).rejects.toThrow('no');

    const other = spawn('true');
    await once(other, 'exit');
    write(folder, { lock: String(other.pid) });
    expect(
      await withLock(
        lock,
        () => {},
        async () => 'in',
      ),
    ).toBe('in');
  });
});

describe('a quiet command', () => {
  it('shows what it said when it fails', async () => {
    const failing = runQuietly('sh', ['-c', 'echo one; echo two >&2; exit 3'], {});
    await expect(failing).rejects.toThrow(/^sh -c .* failed \(3\)\n(one\ntwo|two\none)$/);
    await expect(runQuietly('no-such-program', [], {})).rejects.toThrow(/ENOENT/);
  });

  it('returns nothing when it does not', async () => {
    expect(await runQuietly('sh', ['-c', 'echo one'], {})).toBeUndefined();
  });
});
