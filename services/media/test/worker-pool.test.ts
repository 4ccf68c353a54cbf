import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@ganglion/testing';
import { thumbnailKind } from '../src/domain/thumbnail-kinds.js';
import { WorkerPool } from '../src/images/worker-pool.js';
import { FolderStore } from '../src/storage/folder-store.js';
import { ALICE, ask, pathOf, upload } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { halves } from './support/images.js';
import { workersOf } from './support/workers.js';

const LIMITS = { processes: 1, maxPixels: 1e7, maxMemoryBytes: 1e9, timeoutMs: 20_000, readTimeoutMs: 20_000 };
const KIND = thumbnailKind({ width: 32, height: 32, method: 'crop', animated: false });

const image = await halves(300, 200).png().toBuffer();
const pools: WorkerPool[] = [];
const pool = (limits: Partial<typeof LIMITS>) => {
  const made = new WorkerPool({ ...LIMITS, ...limits });
  pools.push(made);
  return made;
};
afterEach(() => {
  for (const each of pools.splice(0)) each.stop();
});

/** An image in two halves, the second of which comes when that is said. */
function inHalves(second: Promise<unknown>): Readable {
  async function* read() {
    yield image.subarray(0, image.length / 2);
    await second;
    yield image.subarray(image.length / 2);
  }
  return Readable.from(read(), { objectMode: false });
}

describe('a thumbnail', () => {
  it('is made of an image that is read for longer than one may take to be scaled', async () => {
    const limited = pool({ timeoutMs: 8_000 });
    const slow = inHalves(sleep(8_500));
    const made = await limited.make(async () => slow, image.length, KIND);
    expect(made.contentType).toBe('image/png');
  }, 60_000);

  it.each<[string, () => Promise<Readable>]>([
    ['does not end', async () => inHalves(new Promise(() => {}))],
    ['is not opened', () => new Promise(() => {})],
  ])(
    'of an image that %s is given up, which is no fault of the image',
    async (_, open) => {
      const limited = pool({ readTimeoutMs: 300 });
      await expect(limited.make(open, image.length, KIND)).rejects.toMatchObject({ fault: 'unread' });
      limited.stop();
      const next = pool({});
      await expect(next.make(async () => Readable.from([image]), image.length, KIND)).resolves.toBeDefined();
    },
    60_000,
  );

  it('of an image that is given up closes what it had opened, and leaves room for others', async () => {
    const limited = pool({ readTimeoutMs: 5_000 });
    const stuck = inHalves(new Promise(() => {}));
    const given = limited.make(async () => stuck, image.length, KIND);
    const next = limited.make(async () => Readable.from([image]), image.length, KIND);
    await expect(given).rejects.toMatchObject({ fault: 'unread' });
    await expect(next).resolves.toBeDefined();
    await eventually(() => expect(stuck.destroyed).toBe(true));
  }, 60_000);

  it('that waits for its turn has nothing open', async () => {
    const limited = pool({});
    let [open, most] = [0, 0];
    const one = async () => {
      most = Math.max(most, ++open);
      const readable = Readable.from([image]);
      readable.once('close', () => open--);
      return readable;
    };
    await Promise.all(Array.from({ length: 8 }, () => limited.make(one, image.length, KIND)));
    expect(most).toBe(1);
  }, 60_000);
});

describe('a slow store', () => {
  let deployment: Deployment;
  beforeAll(async () => {
    deployment = await deploy();
  });
  afterAll(() => deployment.close());

  it('makes no image too large: what dies before it has the image costs a try, and the next gets the thumbnail', async () => {
    const { promise: reading, resolve: begun } = Promise.withResolvers<void>();
    let isSlow = true;
    class SlowStore extends FolderStore {
      override async get(key: string) {
        if (!isSlow) return super.get(key);
        begun();
        return inHalves(new Promise(() => {}));
      }
    }
    const url = await deployment.replica({ thumbnails: { processes: 1 } }, { bytes: new SlowStore(deployment.folder) });
    const uri = await upload(url, image, 'image/png');
    const thumbnail = () => ask(url, 'GET', `${pathOf(uri, 'thumbnail')}?width=32&height=32`, { as: ALICE });
    const first = thumbnail();
    await reading;
    isSlow = false;
    const killed = await eventually(async () => {
      const [pid] = await workersOf(process.pid);
      expect(pid).toBeDefined();
      return pid!;
    });
    process.kill(killed, 'SIGKILL');
    const { status, body } = await first;
    expect([status, body.errcode]).toEqual([503, 'M_UNKNOWN']);
    expect((await thumbnail()).status).toBe(200);
  }, 60_000);
});
