import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../load/client.ts';
import { downloadFile, imageMaker, someFile, thumbnailOf, uploadFile, uploadImage } from '../load/files.ts';
import { closedLoop, forSeconds } from '../load/loop.ts';
import { at, insist, pooled, type Scene } from '../load/scene.ts';
import type { Memory, Plan } from '../types.ts';
import type { MeasureId } from './ids.ts';
import { type Measure, observe, type Setting } from './measure.ts';

/** How many files are on their way at once, of each size. */
const SIZES = {
  small: { title: 'small files', bytes: (plan: Plan) => plan.smallFile, inFlight: 16 },
  large: { title: 'large files', bytes: (plan: Plan) => plan.largeFile, inFlight: 4 },
} as const;
type Size = keyof typeof SIZES;

function uploads(id: MeasureId, size: Size): Measure {
  const { title, bytes, inFlight } = SIZES[size];
  return {
    ...{ id, title: `uploads of ${title}, ${inFlight} in flight`, headline: 'rate', warmUp: size === 'small' },
    async run(setting) {
      const { scene, seconds } = setting;
      const crowd = await scene.crowd();
      const step = (slot: number) => uploadFile(scene.client, at(crowd, slot), bytes(scene.plan));
      return observe(setting, () => closedLoop(inFlight, forSeconds(seconds), step));
    },
  };
}

function downloads(id: MeasureId, size: Size): Measure {
  const { title, bytes, inFlight } = SIZES[size];
  return {
    ...{ id, title: `downloads of ${title}, ${inFlight} in flight`, headline: 'rate', warmUp: size === 'small' },
    async run(setting) {
      const { scene, seconds } = setting;
      const crowd = await scene.crowd();
      const paths = await pooled(inFlight, inFlight, (n) => someFile(scene.client, at(crowd, n), bytes(scene.plan)));
      const step = (slot: number, n: number) => downloadFile(scene.client, at(crowd, slot), at(paths, n));
      return observe(setting, () => closedLoop(inFlight, forSeconds(seconds), step));
    },
  };
}

/** What downloads could be at best: the same over loopback from a server that does nothing but send a file. */
function plainDownloads(id: MeasureId, size: Size): Measure {
  const { title, bytes, inFlight } = SIZES[size];
  return {
    ...{ id, title: `downloads of ${title} from a plain server of Node`, headline: 'rate', warmUp: false },
    async run(setting) {
      const folder = await mkdtemp(join(tmpdir(), 'bench-files-'));
      const file = join(folder, 'file');
      await writeFile(file, Buffer.alloc(bytes(setting.scene.plan), 'x'));
      const server = fork(new URL('../load/plain-server.ts', import.meta.url), [file]);
      try {
        const [port] = (await once(server, 'message')) as [number];
        const client = new Client(`http://127.0.0.1:${port}`);
        return await observe({ ...setting, probe: undefined }, () =>
          closedLoop(inFlight, forSeconds(setting.seconds), () => client.pass('/', [])),
        );
      } finally {
        server.disconnect();
        await rm(folder, { recursive: true });
      }
    },
  };
}

/** Each image is uploaded and then had as a thumbnail: some servers make thumbnails when they are asked for, others when images come. */
const thumbnails: Measure = {
  ...{
    id: 'files-thumbnails',
    title: 'images uploaded and had as thumbnails, 8 in flight',
    headline: 'rate',
    warmUp: true,
  },
  async run(setting) {
    const { scene, seconds } = setting;
    const crowd = await scene.crowd();
    const make = imageMaker(1_280, 960);
    const step = async (slot: number) => {
      const who = at(crowd, slot);
      return thumbnailOf(scene.client, who, await uploadImage(scene.client, who, make()));
    };
    return observe(setting, () => closedLoop(8, forSeconds(seconds), step));
  },
};

const LOOK_EVERY_MS = 200;

/** The most that the processes hold while many large files are on their way, in and out. */
const memory: Measure = {
  ...{ id: 'files-memory', title: 'while large files come and go, 64 at once', headline: 'memory', warmUp: false },
  async run({ scene, probe }: Setting) {
    const watch = new PeakWatch(() => probe?.memory());
    await transferMany(scene);
    const peak = watch.end();
    return peak === undefined ? { kind: 'memory' } : { kind: 'memory', memory: peak };
  },
};

async function transferMany(scene: Scene): Promise<void> {
  const { largeFile, filesAtOnce } = scene.plan;
  const crowd = await scene.crowd();
  const whoever = Array.from({ length: filesAtOnce }, (_, n) => at(crowd, n));
  const paths = await Promise.all(whoever.map((who) => someFile(scene.client, who, largeFile)));
  const gone = await Promise.all(whoever.map((who, n) => downloadFile(scene.client, who, at(paths, n))));
  for (const reply of gone) insist(reply, 'a download');
}

class PeakWatch {
  readonly #timer: NodeJS.Timeout;
  #peak: Memory | undefined;

  constructor(look: () => Memory | undefined) {
    const once = () => {
      const now = look();
      if (now !== undefined && now.server.rss > (this.#peak?.server.rss ?? 0)) this.#peak = now;
    };
    once();
    this.#timer = setInterval(once, LOOK_EVERY_MS);
  }

  end(): Memory | undefined {
    clearInterval(this.#timer);
    return this.#peak;
  }
}

export const fileMeasures: Measure[] = [
  uploads('files-upload-small', 'small'),
  uploads('files-upload-large', 'large'),
  downloads('files-download-small', 'small'),
  downloads('files-download-large', 'large'),
  plainDownloads('files-plain-small', 'small'),
  plainDownloads('files-plain-large', 'large'),
  thumbnails,
  memory,
];
