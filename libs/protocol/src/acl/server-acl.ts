import { GlobSet } from '../globs/glob-set.js';
import { isValidServerName, parseServerName } from '../identifiers/server-name.js';
import { isJsonObject, type JsonValue } from '../json/json-value.js';

/** Which servers may take part in a room. */
export interface ServerAcl {
  allows(serverName: string): boolean;
}

/**
 * Makes the content of a room's `m.room.server_acl` event ready for use; pass undefined where the room has none. Lists
 * that are malformed count as empty, and so do entries that are not text: a malformed list never lets a server in.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl
 */
export function compileServerAcl(content: unknown): ServerAcl {
  if (content === undefined) return { allows: () => true };
  const { allow, deny, allow_ip_literals } = isJsonObject(content) ? content : {};
  const allowed = patternsOf(allow);
  const denied = patternsOf(deny);
  return {
    allows(serverName) {
      if (!isValidServerName(serverName)) return false;
      const { host, isIpLiteral } = withoutPort(serverName);
      if (isIpLiteral && allow_ip_literals === false) return false;
      return !denied.has(host) && allowed.has(host);
    },
  };
}

function patternsOf(list: JsonValue | undefined): GlobSet {
  const patterns = Array.isArray(list) ? list.filter((pattern) => typeof pattern === 'string') : [];
  return new GlobSet(patterns.map((pattern) => pattern.toLowerCase()));
}

/** An IPv6 address keeps its brackets: they are part of the server name. */
function withoutPort(serverName: string): { host: string; isIpLiteral: boolean } {
  const { hostname, kind } = parseServerName(serverName.toLowerCase());
  return { host: kind === 'ipv6' ? `[${hostname}]` : hostname, isIpLiteral: kind !== 'dns' };
}
