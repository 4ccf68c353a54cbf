import { isMatrixError, MatrixError } from '@ganglion/contracts';

/** More are not tried: whoever has so many that fail has more of the kind. */
const MOST_SERVERS = 12;

/** What says most to the user comes first. */
const TELLING = [
  ...['M_GUEST_ACCESS_FORBIDDEN', 'M_FORBIDDEN', 'M_INCOMPATIBLE_ROOM_VERSION'],
  ...['M_UNABLE_TO_GRANT_JOIN', 'M_UNABLE_TO_AUTHORISE_JOIN'],
];

/** Of these, what is so at every server, and not only where the one that was asked cannot do it. */
const FINAL = ['M_FORBIDDEN', 'M_INCOMPATIBLE_ROOM_VERSION'];

/** What every server in the room would say: no other one is asked. */
const SETTLED = ['M_INCOMPATIBLE_ROOM_VERSION', 'M_GUEST_ACCESS_FORBIDDEN'];

export interface ServersToTry {
  readonly first: readonly string[];
  readonly others: readonly string[];
}

/**
 * Tries servers until one of them does what is asked.
 *
 * @throws MatrixError M_NOT_FOUND when there is none to try; of what they refuse with, what says most
 */
export async function oneAfterTheOther<T>(
  { first, others }: ServersToTry,
  run: (server: string) => Promise<T>,
): Promise<T> {
  const failures: MatrixError[] = [];
  const isRefused = () => failures.some(({ errcode }) => FINAL.includes(errcode));
  for (const server of [...new Set([...first, ...others])].slice(0, MOST_SERVERS)) {
    // Where those that were meant refuse, nobody else is asked; where they cannot tell, others may.
    if (first.length > 0 && !first.includes(server) && isRefused()) break;
    try {
      return await run(server);
    } catch (error) {
      if (!isMatrixError(error)) throw error;
      failures.push(error);
      if (SETTLED.includes(error.errcode)) break;
    }
  }
  if (failures.length === 0) throw new MatrixError(404, 'M_NOT_FOUND', 'No server is known that is in the room');
  throw failures.toSorted((a, b) => rank(a) - rank(b))[0]!;
}

function rank({ errcode, status }: MatrixError): number {
  const place = TELLING.indexOf(errcode);
  if (place >= 0) return place;
  return status < 500 ? TELLING.length : TELLING.length + 1;
}
