import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Color } from 'sharp';

const RED: Color = { r: 220, g: 20, b: 20 };
const BLUE: Color = { r: 20, g: 20, b: 220 };

/** An image whose left half is red and whose right half is blue. */
export function halves(width: number, height: number) {
  const right = { create: { width: Math.floor(width / 2), height, channels: 3, background: BLUE } } as const;
  return sharp({ create: { width, height, channels: 3, background: RED } }).composite([
    { input: right, left: Math.ceil(width / 2), top: 0 },
  ]);
}

/** Frames that are each of one colour. */
export async function animation(width: number, height: number, frames = 3): Promise<Buffer> {
  const pages = await Promise.all(
    Array.from({ length: frames }, (_, index) =>
      sharp({ create: { width, height, channels: 3, background: { r: (index * 80) % 256, g: 40, b: 40 } } })
        .png()
        .toBuffer(),
    ),
  );
  return sharp(pages, { join: { animated: true } })
    .gif()
    .toBuffer();
}

/** The colour at a point. */
export async function colourAt(image: Buffer, x: number, y: number): Promise<'red' | 'blue' | 'neither'> {
  const { data, info } = await sharp(image).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (y * info.width + x) * info.channels;
  const [r = 0, , b = 0] = data.subarray(at, at + 3);
  if (r > 150 && b < 100) return 'red';
  return b > 150 && r < 100 ? 'blue' : 'neither';
}

/** A PNG of next to no bytes that says how large it is, and may hold as much of black as that. */
export function pngThatClaims(width: number, height: number, isTrue: boolean): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([1, 0, 0, 0, 0], 8);
  const row = Buffer.alloc(1 + Math.ceil(width / 8));
  const rows = isTrue ? Buffer.alloc(row.length * height) : row;
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    ...[chunk('IHDR', header), chunk('IDAT', deflateSync(rows)), chunk('IEND', Buffer.alloc(0))],
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
