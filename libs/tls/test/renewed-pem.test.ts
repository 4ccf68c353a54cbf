import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, type CertificateFiles, eventually } from '@ganglion/testing';
import { type Pem, RenewedPem } from '../src/index.js';

let authority: Authority;
let folder: string;
const ends: (() => void)[] = [];
beforeAll(async () => {
  authority = await Authority.create('house');
});
afterAll(() => authority.end());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-renewed-'));
});
afterEach(() => {
  for (const end of ends.splice(0)) end();
  rmSync(folder, { recursive: true });
});

const PATIENCE_MS = 25_000;
const inFolder = (name: string) => join(folder, name);
const issue = (name: string) => authority.issue(name);

function put(files: CertificateFiles, which: readonly (keyof CertificateFiles)[] = ['ca', 'cert', 'key']) {
  for (const name of which) copyFileSync(files[name], inFolder(name));
  return { ca: inFolder('ca'), cert: inFolder('cert'), key: inFolder('key') };
}

function watched(files: CertificateFiles) {
  const seen: Pem[] = [];
  const faults: string[] = [];
  const pem = new RenewedPem(files, ({ message }) => faults.push(message));
  ends.push(pem.watch((renewed) => seen.push(renewed)));
  return { pem, seen, faults };
}

const held = ({ ca, cert, key }: CertificateFiles) => {
  const [authorityPem, certPem, keyPem] = [ca, cert, key].map((path) => readFileSync(path));
  return { ca: authorityPem, cert: certPem, key: keyPem };
};

it('are told when they are renewed, and otherwise not', async () => {
  const [before, after] = [await issue('before'), await issue('after')];
  const { pem, seen, faults } = watched(put(before));
  expect(pem.current).toEqual(held(before));
  put(after);
  await eventually(() => expect(seen).toEqual([held(after)]), PATIENCE_MS);
  put(after);
  put(before);
  await eventually(() => expect(seen).toEqual([held(after), held(before)]), PATIENCE_MS);
  expect(pem.current).toEqual(held(before));
  expect(faults.every((fault) => fault.includes('mismatch'))).toBe(true);
}, 60_000);

it('are told when a link turns, as those of mounted secrets do', async () => {
  const [before, after] = [await issue('old'), await issue('new')];
  const link = (files: CertificateFiles) => {
    for (const name of ['ca', 'cert', 'key'] as const) {
      symlinkSync(files[name], inFolder(`${name}-next`));
      renameSync(inFolder(`${name}-next`), inFolder(name));
    }
  };
  link(before);
  const { seen } = watched({ ca: inFolder('ca'), cert: inFolder('cert'), key: inFolder('key') });
  link(after);
  await eventually(() => expect(seen.at(-1)).toEqual(held(after)), PATIENCE_MS);
}, 60_000);

it('go on as they were while the new ones do not belong together or cannot be read, which is said once', async () => {
  const [before, after] = [await issue('one'), await issue('two')];
  const { pem, seen, faults } = watched(put(before));
  put(after, ['cert']);
  await eventually(() => expect(faults).toEqual([expect.stringContaining('mismatch')]), PATIENCE_MS);
  rmSync(inFolder('key'));
  await eventually(() => expect(faults.at(-1)).toContain('ENOENT'), PATIENCE_MS);
  expect([pem.current, seen, faults.length]).toEqual([held(before), [], 2]);
  put(after, ['key']);
  await eventually(() => expect(seen.at(-1)).toMatchObject({ cert: held(after).cert }), PATIENCE_MS);
}, 90_000);

it('must be there and belong together at the beginning', async () => {
  const [one, two] = [await issue('first'), await issue('second')];
  expect(() => new RenewedPem({ ...one, key: two.key })).toThrow('mismatch');
  expect(() => new RenewedPem({ ...one, ca: '/nowhere/ca.pem' })).toThrow('/nowhere/ca.pem');
});
