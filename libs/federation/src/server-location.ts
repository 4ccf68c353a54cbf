import { parseServerName } from '@ganglion/protocol';

/** Where a server is to be reached, and as whom. */
export interface ServerLocation {
  /** A name or an address to connect to; IPv6 in brackets. */
  readonly host: string;
  readonly port: number;
  /** The `Host` header; its host is whom the certificate has to name. */
  readonly hostHeader: string;
}

/** A service record of the DNS. */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export const DEFAULT_PORT = 8448;

/**
 * Where a name leads that says so itself: an address, or a name with a port. Undefined when the DNS has to be asked.
 *
 * @throws {InvalidIdentifierError} when it is no server name
 * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
export function explicitLocation(serverName: string): ServerLocation | undefined {
  const { hostname, kind, port } = parseServerName(serverName);
  if (kind === 'dns' && port === undefined) return undefined;
  return { host: kind === 'ipv6' ? `[${hostname}]` : hostname, port: port ?? DEFAULT_PORT, hostHeader: serverName };
}

/** Records in the order in which they are to be tried: by priority, and among equals by chance, as their weights say. */
export function inOrder(records: readonly ServiceRecord[], random: () => number = Math.random): ServiceRecord[] {
  const drawn = records.map((record) => ({ record, lot: random() ** (1 / Math.max(record.weight, 0.01)) }));
  drawn.sort((a, b) => a.record.priority - b.record.priority || b.lot - a.lot);
  return drawn.map(({ record }) => record);
}
