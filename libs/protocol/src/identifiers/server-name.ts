import { accepts, InvalidIdentifierError } from './invalid-identifier-error.js';
import { isIpv4, isIpv6 } from './ip-address.js';

export interface ServerName {
  /** As written: an IPv6 address without its brackets. */
  readonly hostname: string;
  readonly kind: 'dns' | 'ipv4' | 'ipv6';
  readonly port?: number;
}

const SERVER_NAME = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9A-Za-z.-]{1,255}))(?::(\d{1,5}))?$/;

/**
 * Takes a server name apart. Letter case is kept: server names are compared exactly.
 *
 * @throws {InvalidIdentifierError} when it is none
 * @see https://spec.matrix.org/v1.19/appendices/#server-name
 */
export function parseServerName(name: string): ServerName {
  const match = SERVER_NAME.exec(name);
  if (!match) throw new InvalidIdentifierError('server name', 'it is not a host with an optional port');
  const [, ipv6, host = '', digits] = match;
  if (ipv6 !== undefined && !isIpv6(ipv6)) throw new InvalidIdentifierError('server name', 'malformed IPv6 address');
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && port > 65_535) throw new InvalidIdentifierError('server name', 'port above 65535');
  const parsed =
    ipv6 !== undefined
      ? ({ hostname: ipv6, kind: 'ipv6' } as const)
      : ({ hostname: host, kind: isIpv4(host) ? 'ipv4' : 'dns' } as const);
  return port === undefined ? parsed : { ...parsed, port };
}

/** True for a server name. @see https://spec.matrix.org/v1.19/appendices/#server-name */
export function isValidServerName(name: unknown): name is string {
  return accepts(parseServerName, name);
}
