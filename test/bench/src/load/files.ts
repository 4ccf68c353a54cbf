import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32, deflateSync } from 'node:zlib';
import type { Account } from './account.ts';
import type { Client, Reply } from './client.ts';
import { insist } from './scene.ts';

const PIECE = randomBytes(65_536);
let files = 0;

/** A file that nobody has uploaded before, for the most part of the same bytes as all others. */
function* newFile(bytes: number): Generator<Buffer> {
  const name = Buffer.from(`${process.pid}.${Date.now()}.${files++}.`.padEnd(64, 'x')).subarray(0, bytes);
  yield name;
  for (let left = bytes - name.length; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

/** Uploads a new file of so many bytes. https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
export function uploadFile(client: Client, who: Account, bytes: number): Promise<Reply> {
  const headers = [...authorization(who), 'content-type', 'application/octet-stream', 'content-length', String(bytes)];
  return client.send('POST', '/_matrix/media/v3/upload', headers, Readable.from(newFile(bytes), { objectMode: false }));
}

/** Uploads an image; its path, below which its bytes and its thumbnails are. */
export async function uploadImage(client: Client, who: Account, image: Buffer): Promise<string> {
  const headers = [...authorization(who), 'content-type', 'image/png'];
  return pathOf(await client.send('POST', '/_matrix/media/v3/upload', headers, image));
}

/** Uploads a new file; where it is. */
export async function someFile(client: Client, who: Account, bytes: number): Promise<string> {
  return pathOf(await uploadFile(client, who, bytes));
}

/** @throws Error when it was not taken */
function pathOf(reply: Reply): string {
  insist(reply, 'an upload');
  const { content_uri } = JSON.parse(reply.body.toString()) as { content_uri: string };
  return content_uri.slice('mxc://'.length);
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid */
export function downloadFile(client: Client, who: Account, path: string): Promise<Reply> {
  return client.pass(`/_matrix/client/v1/media/download/${path}`, authorization(who));
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediathumbnailservernamemediaid */
export function thumbnailOf(client: Client, who: Account, path: string): Promise<Reply> {
  const size = 'width=320&height=240&method=scale';
  return client.pass(`/_matrix/client/v1/media/thumbnail/${path}?${size}`, authorization(who));
}

function authorization({ headers }: Account): string[] {
  return headers.slice(headers.indexOf('authorization'));
}

/** Makes images of one picture, each of which is a file of its own. */
export function imageMaker(width: number, height: number): () => Buffer {
  const row = width * 3 + 1;
  const pixels = Buffer.alloc(row * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * row + 1 + x * 3;
      pixels[at] = (x * 255) / width;
      pixels[at + 1] = (y * 255) / height;
      pixels[at + 2] = (x ^ y) & 255;
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2], 8);
  const body = pngChunk('IDAT', deflateSync(pixels, { level: 1 }));
  const [begin, end] = [pngChunk('IHDR', head), pngChunk('IEND', Buffer.alloc(0))];
  return () => {
    const remark = pngChunk('tEXt', Buffer.from(`Comment\0${process.pid}.${Date.now()}.${files++}`));
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), begin, remark, body, end]);
  };
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
