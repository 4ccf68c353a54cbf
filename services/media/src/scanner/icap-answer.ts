import type { Socket } from 'node:net';

/** What an ICAP server answers. */
export interface IcapAnswer {
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Of the HTTP answer that it puts in the place of the one that it was shown, if there is one. */
  readonly httpStatus: number | undefined;
}

const MAX_HEAD_BYTES = 65_536;
const END = '\r\n\r\n';

/** Reads the beginning of an answer, which is all that is of interest. @throws Error when it is none */
export async function readIcapAnswer(socket: Socket): Promise<IcapAnswer> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += (chunk as Buffer).toString('latin1');
    const answer = parse(text);
    if (answer) return answer;
    if (text.length > MAX_HEAD_BYTES) break;
  }
  throw new Error('it does not answer as ICAP does');
}

/** Undefined while it is not complete. */
function parse(text: string): IcapAnswer | undefined {
  const end = text.indexOf(END);
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^ICAP\/1\.\d (\d{3})/.exec(first)?.[1]);
  // Who goes on after what it needs to see first would have to be told to; we have not asked it to stop.
  if (status === 100) return parse(text.slice(end + END.length));
  if (Number.isNaN(status)) throw new Error('it does not answer as ICAP does');
  const headers = new Map(lines.map((line) => headerOf(line)));
  const hasHttp = status === 200 && /res-hdr=/.test(headers.get('encapsulated') ?? '');
  if (!hasHttp) return { status, headers, httpStatus: undefined };
  const http = text.slice(end + END.length);
  if (!http.includes('\r\n')) return undefined;
  const httpStatus = Number(/(?:^|\r\n)HTTP\/1\.\d (\d{3})/.exec(http)?.[1]);
  return { status, headers, httpStatus: Number.isNaN(httpStatus) ? undefined : httpStatus };
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
}
