import { setTimeout as pause } from 'node:timers/promises';
import { MatrixError } from '@ganglion/contracts';
import { NOT_WHOLE } from '../append-batch.js';
import { type HistoryDependencies, type Reader, readRoom } from './reading.js';

const LOOK_EVERY_MS = 100;
/** Clients give up after about a minute. */
const LONGEST_MS = 50_000;

/**
 * Resolves once it is known who is in a room: it may have been joined by way of another server without most of its members. From
 * which position on that is so, for those who may look into it.
 *
 * @throws MatrixError M_FORBIDDEN, M_UNKNOWN with 503 when it lasts too long
 */
export async function wholeFrom(deps: HistoryDependencies, reader: Reader & { roomId: string }): Promise<number> {
  const look = () =>
    readRoom(deps, reader, undefined, async ({ room, upTo, goesOn }) => {
      const { wholeFrom: from } = await deps.rooms.get(room);
      // What was loaded may be ahead of what this replica has heard.
      return from === NOT_WHOLE || (goesOn && from > upTo) ? undefined : from;
    });
  const deadline = Date.now() + LONGEST_MS;
  for (;;) {
    const from = await look();
    if (from !== undefined) return from;
    if (Date.now() > deadline) {
      throw new MatrixError(503, 'M_UNKNOWN', 'This server is still learning who is in the room, please try again');
    }
    await pause(LOOK_EVERY_MS);
  }
}
