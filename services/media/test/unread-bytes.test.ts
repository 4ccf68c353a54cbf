import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { jest } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { intact } from '../src/domain/intact-bytes.js';
import { readSecondPart } from '../src/federation/multipart-reader.js';
import { sendMultipart } from '../src/http/multipart-answer.js';
import { resumed } from '../src/storage/s3/resumed.js';

const BYTES = randomBytes(100_000);
const TOLD = {
  ...{ key: 'key', bytes: BYTES.length, sha256: createHash('sha256').update(BYTES).digest() },
  crc32: crc32(BYTES),
};
/** Of so many bytes at a time, as stores give them. */
const from = (...chunks: Buffer[]) => Readable.from(chunks, { objectMode: false });

describe('a source is closed with the answer that nobody has begun to read', () => {
  async function answered(source: Readable): Promise<Readable> {
    let sent: Readable | undefined;
    const reply = { headers: () => reply, send: (body: Readable) => (sent = body) } as unknown as FastifyReply;
    const file = { contentType: 'image/png', name: undefined, bytes: BYTES.length, tag: '', open: async () => source };
    await sendMultipart(reply, file);
    return sent!;
  }
  async function secondPart(source: Readable): Promise<Readable> {
    return (await readSecondPart(source, 'b')).body;
  }
  const message = Buffer.from('--b\r\n\r\n{}\r\n--b\r\n\r\nbytes');

  it.each<[string, Buffer, (source: Readable) => Promise<Readable>]>([
    ['a file that is compared with its hash', BYTES, (source) => intact(source, TOLD, () => {})],
    ['a file for another server', BYTES, answered],
    ['a file of a bucket', BYTES, (source) => resumed(async () => ({ body: source, bytes: BYTES.length }))],
    ['a file of another server', message, secondPart],
  ])('%s', async (_, bytes, wrap) => {
    const source = from(bytes, bytes);
    const answer = await wrap(source);
    expect(source.destroyed).toBe(false);
    answer.destroy();
    await once(answer, 'close');
    expect(source.destroyed).toBe(true);
  });

  it('and what it fails with before that is told to whoever reads', async () => {
    const source = from(BYTES);
    const answer = await intact(source, TOLD, () => {});
    const closed = new Promise((resolve) => source.once('close', resolve));
    source.destroy(new Error('the disk is gone'));
    await closed;
    await expect(answer.toArray()).rejects.toThrow('the disk is gone');
  });
});

describe('a large file', () => {
  it('is given as it is, in whatever pieces it comes', async () => {
    const none = Buffer.alloc(0);
    const report = jest.fn();
    const chunks = [BYTES.subarray(0, 10), none, BYTES.subarray(10), none];
    async function* all() {
      yield* chunks;
    }
    const answer = await intact(Readable.from(all()), TOLD, report);
    expect(Buffer.concat(await answer.toArray()).equals(BYTES)).toBe(true);
    expect(report).not.toHaveBeenCalled();
  });

  it('is reported as damaged when more comes after its last byte', async () => {
    const report = jest.fn();
    const answer = await intact(from(BYTES, Buffer.from('more')), TOLD, report);
    await expect(answer.toArray()).rejects.toThrow('This file is damaged here');
    expect(report).toHaveBeenCalledTimes(1);
  });
});
