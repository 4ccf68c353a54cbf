import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type DownloadRequest, type Downloads, notFound, type ReadyFile } from '../domain/downloads.js';
import { intact } from '../domain/intact-bytes.js';
import { type ByteRange, type ByteStore, BytesMissingError } from '../domain/ports/byte-store.js';
import type { FileName, StoredBytes } from '../domain/ports/file-store.js';
import type { ArrivingFile } from '../domain/remote/remote-files.js';
import type { Thumbnail, Thumbnails } from '../domain/thumbnails.js';
import { uploadName } from '../domain/upload-names.js';
import { type OutgoingFile, sendArriving, sendFile } from './outgoing-file.js';
import type { DownloadQuery, ThumbnailQuery } from './parameters.js';
import type { Settings } from './settings.js';

export interface FileQuestion<Q = DownloadQuery> {
  readonly name: FileName;
  readonly query: Q;
  readonly authenticated: boolean;
  /** A name that whoever asks gives the file. */
  readonly fileName?: string;
}

/** Answers those who ask for files. */
export class FileAnswers {
  constructor(
    private readonly downloads: Downloads,
    private readonly thumbnails: Thumbnails,
    private readonly bytes: ByteStore,
    private readonly settings: Settings,
    /** Told of what the store has damaged. */
    private readonly damaged: (key: string) => void,
  ) {}

  async send(request: FastifyRequest, reply: FastifyReply, question: FileQuestion): Promise<void> {
    const file = wantsAllOfIt(request) ? await this.#open(question) : await this.#find(question);
    const name = uploadName(question.fileName) ?? file.uploadName;
    if ('body' in file) return sendArriving(reply, { ...file, name });
    await sendFile(request, reply, this.#whole(file, name, question.query), isPublic(file, question));
  }

  /** A file, for whoever sends it. @throws MatrixError when there is none */
  async file(question: FileQuestion): Promise<OutgoingFile> {
    const file = await this.#find(question);
    return this.#whole(file, file.uploadName, question.query);
  }

  /** A thumbnail, for whoever sends it. @throws MatrixError when there is none */
  async thumbnail(question: FileQuestion<ThumbnailQuery>): Promise<OutgoingFile> {
    const file = await this.#find(question);
    return this.#outgoing(file, await unlessMissing(this.thumbnails.find(file, question.query)), question.query);
  }

  async sendThumbnail(
    request: FastifyRequest,
    reply: FastifyReply,
    question: FileQuestion<ThumbnailQuery>,
  ): Promise<void> {
    const file = await this.#find(question);
    const thumbnail = await unlessMissing(this.thumbnails.find(file, question.query));
    await sendFile(request, reply, this.#outgoing(file, thumbnail, question.query), isPublic(file, question));
  }

  async #find(question: FileQuestion): Promise<ReadyFile> {
    return this.downloads.find(this.#request(question));
  }

  async #open(question: FileQuestion): Promise<ReadyFile | ArrivingFile> {
    return this.downloads.open(this.#request(question));
  }

  #request({ name, query, authenticated }: FileQuestion): DownloadRequest {
    if (!authenticated && !this.settings.answersAnybody) throw notFound();
    return { name, authenticated, timeoutMs: query.timeout_ms, allowRemote: query.allow_remote };
  }

  #whole({ contentType, blob }: ReadyFile, name: string | undefined, query: DownloadQuery): OutgoingFile {
    const tag = blob.sha256.toString('base64url');
    const file = {
      contentType,
      name,
      bytes: blob.bytes,
      tag,
      open: (range?: ByteRange) => this.#read(blob, range),
    };
    const { redirectLifetimeMs: lifetimeMs } = this.settings;
    if (lifetimeMs === undefined || !query.allow_redirect) return file;
    const elsewhere = async (type: string, disposition: string) =>
      this.bytes.temporaryUrl?.(blob.key, { contentType: type, disposition, lifetimeMs });
    return { ...file, elsewhere };
  }

  #outgoing(file: ReadyFile, { contentType, made, stored }: Thumbnail, query: DownloadQuery): OutgoingFile {
    const name = `thumbnail.${contentType.slice(contentType.indexOf('/') + 1)}`;
    if (stored) return this.#whole({ ...file, contentType, blob: { ...file.blob, ...stored } }, name, query);
    if (!made) return this.#whole({ ...file, contentType }, name, query);
    const open = async (range?: ByteRange) =>
      Readable.from([range ? made.subarray(range.first, range.last + 1) : made]);
    return { contentType, name, bytes: made.length, tag: tagOf(made), open };
  }

  /** Of what was deleted since it was found, nobody finds anything. */
  async #read(stored: StoredBytes, range: ByteRange | undefined): Promise<Readable> {
    const source = await unlessMissing(this.bytes.get(stored.key, range));
    const isPart = range !== undefined && (range.first > 0 || range.last < stored.bytes - 1);
    return isPart ? source : intact(source, stored, () => this.damaged(stored.key));
  }
}

/**
 * Of parts, and of what somebody may have already, all has to be known before anything is said. In HTTP/1.0 an answer of unknown
 * length that breaks off looks like a whole one.
 */
function wantsAllOfIt({ method, headers, raw }: FastifyRequest): boolean {
  if (raw.httpVersion === '1.0') return false;
  return method === 'GET' && headers.range === undefined && headers['if-none-match'] === undefined;
}

function isPublic({ authenticatedOnly }: ReadyFile, { authenticated }: FileQuestion): boolean {
  return !authenticatedOnly && !authenticated;
}

function tagOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

async function unlessMissing<T>(found: Promise<T>): Promise<T> {
  try {
    return await found;
  } catch (error) {
    throw error instanceof BytesMissingError ? notFound() : error;
  }
}
