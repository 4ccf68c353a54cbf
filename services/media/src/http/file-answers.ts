import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Downloads, notFound, type ReadyFile } from '../domain/downloads.js';
import { type ByteStore, BytesMissingError } from '../domain/ports/byte-store.js';
import type { FileName } from '../domain/ports/file-store.js';
import { uploadName } from '../domain/upload-names.js';
import { sendFile } from './outgoing-file.js';
import type { DownloadQuery } from './parameters.js';
import type { Settings } from './settings.js';

export interface FileQuestion {
  readonly name: FileName;
  readonly query: DownloadQuery;
  readonly authenticated: boolean;
  /** A name that whoever asks gives the file. */
  readonly fileName?: string;
}

/** Answers those who ask for files. */
export class FileAnswers {
  constructor(
    private readonly downloads: Downloads,
    private readonly bytes: ByteStore,
    private readonly settings: Settings,
  ) {}

  async send(request: FastifyRequest, reply: FastifyReply, question: FileQuestion): Promise<void> {
    const { name, query, authenticated, fileName } = question;
    if (!authenticated && !this.settings.answersAnybody) throw notFound();
    const file = await this.downloads.find({ name, authenticated, timeoutMs: query.timeout_ms });
    const { contentType, blob, authenticatedOnly } = file;
    const outgoing = {
      contentType,
      name: uploadName(fileName) ?? file.uploadName,
      bytes: blob.bytes,
      tag: blob.sha256.toString('base64url'),
      open: (range?: Parameters<ByteStore['get']>[1]) => this.#open(file, range),
    };
    await sendFile(request, reply, outgoing, !authenticatedOnly && !authenticated);
  }

  /** Of what was deleted since it was found, nobody finds anything. */
  async #open({ blob }: ReadyFile, range: Parameters<ByteStore['get']>[1]) {
    try {
      return await this.bytes.get(blob.key, range);
    } catch (error) {
      throw error instanceof BytesMissingError ? notFound() : error;
    }
  }
}
