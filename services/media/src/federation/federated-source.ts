import type { Readable } from 'node:stream';
import { isMatrixError } from '@ganglion/contracts';
import { type FederationAgent, RemoteRefusal, UnreachableServerError } from '@ganglion/federation';
import { type Outgoing, OutgoingError, type OutgoingStream } from '@ganglion/outgoing';
import { parse } from 'content-disposition';
import type { FileName } from '../domain/ports/file-store.js';
import {
  type RemoteFault,
  type RemoteFile,
  RemoteFileError,
  type RemoteSource,
} from '../domain/ports/remote-source.js';
import { readThrough } from '../domain/read-through.js';
import { boundaryOf, readSecondPart } from './multipart-reader.js';

export interface FederatedSourceSettings {
  /** Which of our servers asks. */
  readonly origin: string;
  readonly maxBytes: number;
  /** How long a file may take. */
  readonly timeoutMs: number;
}

/** For what stands around a file in a message of several parts. */
const ENVELOPE_BYTES = 131_072;
const MAX_REDIRECTS = 3;

/**
 * Files of other servers, asked of these by the endpoints between servers, and of old servers by the one that anybody may use.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#content-repository
 */
export class FederatedSource implements RemoteSource {
  constructor(
    private readonly agent: Pick<FederationAgent, 'open'>,
    private readonly outgoing: Pick<Outgoing, 'open'>,
    private readonly settings: FederatedSourceSettings,
  ) {}

  async open(name: FileName, timeoutMs: number): Promise<RemoteFile> {
    try {
      return await this.#fromFederation(name, timeoutMs);
    } catch (error) {
      throw asRemoteError(error);
    }
  }

  async #fromFederation(name: FileName, timeoutMs: number): Promise<RemoteFile> {
    const { serverName, mediaId } = name;
    try {
      const path = `/_matrix/federation/v1/media/download/${mediaId}?timeout_ms=${timeoutMs}`;
      return await this.#unpack(await this.#ask(serverName, path));
    } catch (error) {
      if (!(error instanceof RemoteRefusal && isUnknownEndpoint(error))) throw error;
    }
    const path = `/_matrix/media/v3/download/${encodeURIComponent(serverName)}/${mediaId}?allow_remote=false&timeout_ms=${timeoutMs}`;
    return told(await this.#ask(serverName, path));
  }

  #ask(destination: string, path: string): Promise<OutgoingStream> {
    const { origin, maxBytes, timeoutMs } = this.settings;
    return this.agent.open({
      origin,
      destination,
      method: 'GET',
      path,
      timeoutMs,
      maxBytes: maxBytes + ENVELOPE_BYTES,
    });
  }

  async #unpack({ headers, body }: OutgoingStream): Promise<RemoteFile> {
    const boundary = boundaryOf(one(headers['content-type']) ?? '');
    if (boundary === undefined) {
      body.on('error', () => {}).destroy();
      throw new RemoteFileError('unreachable');
    }
    const part = await readSecondPart(body, boundary);
    const location = part.headers.get('location');
    if (location === undefined) {
      return fileOf(part.headers.get('content-type'), part.headers.get('content-disposition'), part.body);
    }
    part.body.on('error', () => {}).destroy();
    return this.#follow(location);
  }

  /** Its server has put it elsewhere. */
  async #follow(url: string): Promise<RemoteFile> {
    const { maxBytes, timeoutMs } = this.settings;
    const answer = await this.outgoing.open({ url, timeoutMs, maxBytes, maxRedirects: MAX_REDIRECTS });
    if (answer.status === 200) return told(answer);
    answer.body.on('error', () => {}).destroy();
    throw new RemoteFileError('unreachable');
  }
}

function told({ headers, body }: OutgoingStream): RemoteFile {
  return fileOf(one(headers['content-type']), one(headers['content-disposition']), body);
}

function fileOf(contentType: string | undefined, disposition: string | undefined, body: Readable): RemoteFile {
  async function* read() {
    try {
      yield* body;
    } catch (error) {
      throw asRemoteError(error);
    }
  }
  return { contentType, fileName: fileNameOf(disposition), body: readThrough(body, read()) };
}

function fileNameOf(disposition: string | undefined): string | undefined {
  if (disposition === undefined) return undefined;
  try {
    return parse(disposition).parameters.filename;
  } catch {
    return undefined;
  }
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Servers that are older than an endpoint answer it in many ways; what they have in common is that no errcode fits. */
function isUnknownEndpoint({ status, errcode }: RemoteRefusal): boolean {
  return errcode === 'M_UNRECOGNIZED' || (status < 500 && errcode === '');
}

function asRemoteError(error: unknown): unknown {
  if (error instanceof RemoteFileError || isMatrixError(error)) return error;
  return new RemoteFileError(faultOf(error), { cause: error });
}

function faultOf(error: unknown): RemoteFault {
  const cause = error instanceof UnreachableServerError ? error.cause : error;
  if (cause instanceof OutgoingError && cause.fault === 'too-large') return 'too large';
  if (!(error instanceof RemoteRefusal)) return 'unreachable';
  if (error.errcode === 'M_NOT_YET_UPLOADED') return 'not yet uploaded';
  return error.errcode === 'M_NOT_FOUND' || error.status === 404 ? 'not found' : 'unreachable';
}
