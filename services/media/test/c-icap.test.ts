import { eventually } from '@ganglion/testing';
import { FolderStore } from '../src/storage/folder-store.js';
import { findScannerModules, SIGNATURE, startVirusScanner, type VirusScanner } from './support/c-icap.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { keysIn, keysKnown, looseKeys } from './support/store-contents.js';

const modules = findScannerModules();
const suite = modules === undefined ? { describe() {} } : { describe };

suite.describe('c-icap with ClamAV behind it', () => {
  let deployment: Deployment;
  let scanner: VirusScanner;
  let url: string;

  beforeAll(async () => {
    deployment = await deploy();
    scanner = await startVirusScanner(modules!);
    url = await deployment.replica({ scanner: { url: scanner.url } });
  }, 240_000);
  afterAll(async () => {
    await deployment.close();
    await scanner?.stop();
  });

  it.each([
    ['nothing', ''],
    ['a short text', 'fine'],
    ['a file of many megabytes', 'a good file '.repeat(1_000_000)],
  ])('lets %s through', async (_, body) => {
    const uri = await upload(url, body);
    expect((await ask(url, 'GET', pathOf(uri), { as: ALICE })).bytes.toString()).toBe(body);
  });

  it.each([
    ['a short file', `something with ${SIGNATURE} in it`],
    ['the end of a long one', 'x'.repeat(5_000_000) + SIGNATURE],
  ])('finds what is in %s, of which nothing stays', async (_, body) => {
    const answer = await ask(url, 'POST', '/_matrix/media/v3/upload', { as: ALICE, body });
    expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN']);
    await eventually(async () => {
      expect(await looseKeys(deployment.db)).toBe(0);
      expect(await keysIn(new FolderStore(deployment.folder))).toEqual(await keysKnown(deployment.db));
    });
  });
});
