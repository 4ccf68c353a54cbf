import type { Config } from '@ganglion/config';

const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Where a command on the same machine reaches the server: in the clear if it may, as it stays on the machine. */
export function serverUrl({ http }: Config): string {
  const listener = http.listeners.find(({ tls }) => tls === undefined) ?? http.listeners[0];
  if (listener === undefined || listener.port === 0) return http.public_base_url ?? 'http://127.0.0.1:8008';
  const host = EVERYWHERE[listener.host] ?? listener.host;
  const scheme = listener.tls === undefined ? 'http' : 'https';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
}
