import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { domainOf, isValidRoomAlias, type JsonObject, namedAliases } from '@ganglion/protocol';
import { resolveAlias } from './membership.js';
import type { Owners } from './ports.js';
import { readPdus } from './room-state.js';

/** Each is a question to another server. */
const MOST_AT_ONCE = 20;

/**
 * Refuses an m.room.canonical_alias with new aliases of other servers that do not lead to the room. Of ours, room-server knows.
 *
 * @throws MatrixError M_BAD_ALIAS, M_FORBIDDEN for who is not in the room
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export async function checkAliasesElsewhere(
  owners: Owners,
  { roomId, sender, content }: { roomId: string; sender: string; content: JsonObject },
): Promise<void> {
  const elsewhere = namedAliases(content).filter(
    (alias) => typeof alias === 'string' && isValidRoomAlias(alias) && !owners.isOurs(domainOf(alias)),
  );
  if (elsewhere.length === 0) return;
  const query = { roomId, userId: sender, type: 'm.room.canonical_alias', stateKey: '' };
  const known = (await readPdus(owners, query)).events.flatMap(({ pduJson }) =>
    namedAliases(JSON.parse(pduJson).content),
  );
  const unknown = [...new Set(elsewhere as string[])].filter((alias) => !known.includes(alias));
  if (unknown.length > MOST_AT_ONCE) {
    throw new MatrixError(
      400,
      'M_BAD_ALIAS',
      `Not more than ${MOST_AT_ONCE} aliases of other servers can be added at once`,
    );
  }
  await Promise.all(unknown.map((alias) => checkLeadsTo(owners, roomId, alias)));
}

async function checkLeadsTo(owners: Owners, roomId: string, alias: string): Promise<void> {
  const target = await resolveAlias(owners, alias).catch((error: unknown) => {
    if (!isMatrixError(error)) throw error;
    return undefined;
  });
  if (target?.roomId !== roomId) throw new MatrixError(400, 'M_BAD_ALIAS', `${alias} does not lead to this room`);
}
