/**
 * Makes thumbnails in a process of its own, one after the other: what an image can do to a decoder, it does here. Started by
 * worker-process.ts, which says how they talk. Runs as it is, compiled or not, and imports nothing of ours.
 */
import { writeSync } from 'node:fs';
import process from 'node:process';
import sharp, { type Metadata, type Sharp } from 'sharp';

interface Job {
  /** Say how large it is, and make nothing of it. */
  readonly measure?: boolean;
  readonly width: number;
  readonly height: number;
  readonly method: 'crop' | 'scale';
  readonly animated: boolean;
  readonly maxPixels: number;
  readonly maxMemoryBytes: number;
}

interface Answer {
  readonly contentType?: string;
  readonly width?: number;
  readonly height?: number;
  readonly fault?: 'not an image' | 'damaged' | 'too large';
}

const HEADER_BYTES = 8;
const LOOK_EVERY_MS = 10;

/** What is decoded, whatever an image is called; not SVG, PDF and the many that libvips knows besides. */
const TYPES: Readonly<Record<string, string>> = {
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  heif: 'image/avif',
};
/** What may be given out as a thumbnail as it is. */
const SERVED = new Set(['jpeg', 'png', 'gif', 'webp']);

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({
  operation: [
    ...['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadNsgifBuffer'],
    ...['VipsForeignLoadWebpBuffer', 'VipsForeignLoadHeifBuffer'],
  ],
});
sharp.cache(false);
sharp.concurrency(1);

let received: Buffer[] = [];
let receivedBytes = 0;
let wanted: { readonly job: number; readonly image: number } | undefined;

process.stdin.on('data', (chunk: Buffer) => {
  received.push(chunk);
  receivedBytes += chunk.length;
  take();
});

function take(): void {
  if (wanted === undefined && receivedBytes >= HEADER_BYTES) {
    const header = all();
    wanted = { job: header.readUInt32BE(0), image: header.readUInt32BE(4) };
  }
  if (wanted === undefined || receivedBytes < HEADER_BYTES + wanted.job + wanted.image) return;
  const bytes = all();
  const image = HEADER_BYTES + wanted.job;
  const job = JSON.parse(bytes.toString('utf8', HEADER_BYTES, image)) as Job;
  received = [];
  receivedBytes = 0;
  wanted = undefined;
  void run(job, bytes.subarray(image));
}

function all(): Buffer {
  const [first] = received;
  const bytes = received.length === 1 && first ? first : Buffer.concat(received);
  received = [bytes];
  return bytes;
}

async function run(job: Job, image: Buffer): Promise<void> {
  // Decoders run on threads, so this one sees what they take.
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() <= job.maxMemoryBytes) return;
    answer({ fault: 'too large' });
    process.kill(process.pid, 'SIGKILL');
  }, LOOK_EVERY_MS);
  try {
    if (job.measure) return answer(await measure(job, image));
    const { contentType, data } = await make(job, image);
    answer({ contentType }, data);
  } catch (error) {
    answer({ fault: faultOf(error as Error) });
  } finally {
    clearInterval(watch);
  }
}

function answer(about: Answer, data: Uint8Array = new Uint8Array()): void {
  const text = Buffer.from(JSON.stringify(about));
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(text.length, 0);
  header.writeUInt32BE(data.length, 4);
  writeAll(Buffer.concat([header, text, data]));
}

/** At once: whoever answers that it takes too much memory has no time. */
function writeAll(bytes: Buffer): void {
  for (let written = 0; written < bytes.length; ) {
    try {
      written += writeSync(1, bytes, written);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

/** As it stands when it is shown. */
async function measure(job: Job, image: Buffer): Promise<Answer> {
  const { format, autoOrient } = await sharp(image, { limitInputPixels: job.maxPixels }).metadata();
  const contentType = TYPES[format];
  if (contentType === undefined) throw new Error('unsupported image format');
  await open(image, job, false).stats();
  return { contentType, width: autoOrient.width, height: autoOrient.height };
}

async function make(job: Job, image: Buffer): Promise<{ contentType: string; data?: Buffer }> {
  const about = await sharp(image, { limitInputPixels: job.maxPixels }).metadata();
  const type = TYPES[about.format];
  if (type === undefined) throw new Error('unsupported image format');
  const moves = (about.pages ?? 1) > 1;
  if (servesItself(job, about, moves)) {
    // A header may promise what does not follow.
    await open(image, job, false).stats();
    return { contentType: type };
  }
  const animated = job.animated && moves && fits(about, job.maxPixels);
  const resized = open(image, job, animated)
    .autoOrient()
    .resize(job.width, job.height, {
      fit: job.method === 'crop' ? 'cover' : 'inside',
      withoutEnlargement: true,
    });
  if (animated) return { contentType: 'image/webp', data: await resized.webp({ quality: 75, effort: 2 }).toBuffer() };
  // Drawings and screenshots stay sharp.
  if (about.hasAlpha || about.format === 'png')
    return { contentType: 'image/png', data: await resized.png().toBuffer() };
  return { contentType: 'image/jpeg', data: await resized.jpeg({ quality: 80 }).toBuffer() };
}

function open(image: Buffer, { maxPixels }: Job, animated: boolean): Sharp {
  return sharp(image, { limitInputPixels: maxPixels, failOn: 'truncated', animated, sequentialRead: true });
}

function servesItself(job: Job, { format, orientation = 1, width, height }: Metadata, moves: boolean): boolean {
  const isSmall = width <= job.width && height <= job.height;
  return isSmall && SERVED.has(format) && orientation === 1 && (job.animated || !moves);
}

/** All frames are decoded together. */
function fits({ width, height, pages = 1 }: Metadata, maxPixels: number): boolean {
  return width * height * pages <= maxPixels;
}

function faultOf({ message }: Error): NonNullable<Answer['fault']> {
  if (/exceeds pixel limit|too large/i.test(message)) return 'too large';
  if (/unsupported image format|Input buffer contains|operation is blocked/i.test(message)) return 'not an image';
  return 'damaged';
}
