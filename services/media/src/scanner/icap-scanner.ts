import { connect, type Socket } from 'node:net';
import { type JudgedBytes, type Scanner, ScannerUnavailableError, type Verdict } from '../domain/ports/scanner.js';
import { type IcapAnswer, readIcapAnswer } from './icap-answer.js';

const DEFAULT_PORT = 1344;
const HTTP_REQUEST = 'GET /file HTTP/1.1\r\nHost: ganglion.invalid\r\n\r\n';
/** In which the common servers say what they have found. */
const FINDINGS = ['x-virus-id', 'x-infection-found', 'x-violations-found'];

/**
 * Asks a server that speaks ICAP, as c-icap with ClamAV behind it does, whether it would let a file through.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3507
 */
export class IcapScanner implements Scanner {
  constructor(
    private readonly url: URL,
    private readonly timeoutMs: number,
  ) {}

  async judge(file: JudgedBytes): Promise<Verdict> {
    const { hostname, port } = this.url;
    const socket = connect(port === '' ? DEFAULT_PORT : Number(port), hostname.replace(/^\[|\]$/g, ''));
    const late = setTimeout(() => socket.destroy(new Error('it does not answer in time')), this.timeoutMs);
    try {
      const answered = readIcapAnswer(socket);
      // It may have made up its mind before it has read all.
      const sent = this.#send(socket, file).then(() => answered);
      return verdictOf(await Promise.race([answered, sent]));
    } catch (error) {
      throw new ScannerUnavailableError('the scanner gives no verdict', { cause: error });
    } finally {
      clearTimeout(late);
      socket.on('error', () => {}).destroy();
    }
  }

  async #send(socket: Socket, file: JudgedBytes): Promise<void> {
    const response = `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${file.bytes}\r\n\r\n`;
    const body = HTTP_REQUEST.length + response.length;
    const head = [
      `RESPMOD ${this.url.href} ICAP/1.0`,
      `Host: ${this.url.host}`,
      'User-Agent: Ganglion',
      'Allow: 204',
      'Connection: close',
      `Encapsulated: req-hdr=0, res-hdr=${HTTP_REQUEST.length}, res-body=${body}`,
    ];
    await write(socket, `${head.join('\r\n')}\r\n\r\n${HTTP_REQUEST}${response}`);
    for await (const chunk of await file.open()) {
      const bytes = chunk as Buffer;
      if (bytes.length === 0) continue;
      await write(socket, `${bytes.length.toString(16)}\r\n`);
      await write(socket, bytes);
      await write(socket, '\r\n');
    }
    await write(socket, '0\r\n\r\n');
  }
}

function write(socket: Socket, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function verdictOf({ status, headers, httpStatus }: IcapAnswer): Verdict {
  if (status === 204) return undefined;
  if (status !== 200) throw new Error(`it answers ${status}`);
  const finding = FINDINGS.map((name) => headers.get(name)).find((value) => value !== undefined);
  if (finding !== undefined) return { refusedBecause: finding.slice(0, 200) };
  // Without a finding, it sends the file back as it was, or something in its place.
  return httpStatus === 200 ? undefined : { refusedBecause: 'it was found to be harmful' };
}
