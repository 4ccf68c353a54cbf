import { OutgoingError } from './errors.js';

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** @throws {OutgoingError} when it is no URL of these protocols, or brings a name and password along */
export function outgoingUrl(url: string | URL, protocols: readonly string[] = ['https:'], base?: URL): URL {
  if (!URL.canParse(url.toString(), base)) throw new OutgoingError('url', 'not a URL');
  const parsed = new URL(url, base);
  if (!protocols.includes(parsed.protocol)) {
    throw new OutgoingError('url', `${parsed.protocol} is not one of ${protocols.join(', ')}`);
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new OutgoingError('url', 'a URL with a name and password in it is not followed');
  }
  return parsed;
}

/** Where an answer redirects to. @throws {OutgoingError} when that is nowhere we would go */
export function nextHop(from: URL, { status, headers }: Answer, protocols?: readonly string[]): URL | undefined {
  const { location } = headers;
  if (!REDIRECTS.has(status) || typeof location !== 'string') return undefined;
  return outgoingUrl(location, protocols, from);
}
