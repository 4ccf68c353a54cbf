import { MatrixError } from '@ganglion/contracts';
import { domainOf, isValidRoomAlias, type JsonObject, namedAliases } from '@ganglion/protocol';
import type { Directory } from './directory.js';

/**
 * Refuses an m.room.canonical_alias that names aliases which are none, or aliases of ours which lead elsewhere. What it named
 * before may stay: an alias that has been deleted since must not keep others from being changed. Where those of other servers
 * lead, client-api has found out.
 *
 * @throws MatrixError M_INVALID_PARAM, M_BAD_ALIAS
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export async function checkCanonicalAlias(
  directory: Directory,
  serverNames: readonly string[],
  roomId: string,
  current: JsonObject | undefined,
  content: JsonObject,
): Promise<void> {
  const known = new Set(current === undefined ? [] : namedAliases(current));
  for (const alias of namedAliases(content)) {
    if (typeof alias !== 'string' || !isValidRoomAlias(alias)) {
      throw new MatrixError(400, 'M_INVALID_PARAM', `${String(alias).slice(0, 255)} is not a room alias`);
    }
    if (known.has(alias) || !serverNames.includes(domainOf(alias))) continue;
    const target = await directory.resolve(alias);
    if (target?.roomId !== roomId) throw new MatrixError(400, 'M_BAD_ALIAS', `${alias} does not lead to this room`);
  }
}
