import { setTimeout as sleep } from 'node:timers/promises';
import type { RemoteRooms } from '@ganglion/contracts/federation';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { Logger } from '@ganglion/telemetry';
import type { Found, Hole, NearTime } from '../domain/history/earlier-history.js';
import type { EarlierHistory } from '../domain/ports/earlier-history.js';

export interface FetchedHistoryDependencies {
  readonly roomIntake: Pick<RoomIntake, 'listHistoryGaps'>;
  readonly remoteRooms: Pick<RemoteRooms, 'fetchHistory' | 'fetchEventNearTime'>;
  readonly model: { roomSeqs(roomIds: readonly string[]): Promise<ReadonlyMap<string, { readonly backSeq: number }>> };
  readonly logger: Logger;
}

/** After that, whoever reads gets what there is; what was asked for comes for the next one. */
const LONGEST_MS = 8_000;
/** What was committed is read within moments. */
const READ_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** Has history fetched by federation-api, and waits until it can be read. */
export class FetchedHistory implements EarlierHistory {
  constructor(private readonly deps: FetchedHistoryDependencies) {}

  fetch(roomId: string, hole: Hole): Promise<Found> {
    const { remoteRooms } = this.deps;
    return this.#tried(roomId, hole, () => remoteRooms.fetchHistory({ roomId, maxDepth: hole.above }));
  }

  fetchNear(roomId: string, { ts, direction, knownTs }: NearTime, hole: Hole): Promise<Found> {
    const wanted = { roomId, ts, backwards: direction === 'backwards', knownTs };
    return this.#tried(roomId, hole, () => this.deps.remoteRooms.fetchEventNearTime(wanted));
  }

  async #tried(roomId: string, hole: Hole, fetch: () => Promise<{ pending: boolean }>): Promise<Found> {
    try {
      return await this.#fetch(roomId, hole, fetch);
    } catch (error) {
      this.deps.logger.warn({ err: error, room_id: roomId }, 'history of a room could not be fetched');
      return 'unreachable';
    }
  }

  async #fetch(roomId: string, { above, below }: Hole, fetch: () => Promise<{ pending: boolean }>): Promise<Found> {
    const { roomIntake } = this.deps;
    const asked = { roomId, maxDepth: above, limit: 1 };
    const before = await roomIntake.listHistoryGaps(asked);
    if (!before.participating || before.gaps.every(({ depth }) => depth <= below)) return 'nothing';
    const pending = await sooner(fetch().then((answer) => answer.pending));
    const { backSeq } = await roomIntake.listHistoryGaps(asked);
    if (backSeq >= before.backSeq) return pending ? 'pending' : 'unreachable';
    await this.#read(roomId, backSeq);
    return 'more';
  }

  async #read(roomId: string, backSeq: number): Promise<void> {
    for (const end = Date.now() + READ_WITHIN_MS; Date.now() < end; await sleep(LOOK_EVERY_MS)) {
      const known = (await this.deps.model.roomSeqs([roomId])).get(roomId);
      if (known !== undefined && known.backSeq <= backSeq) return;
    }
  }
}

/** Whether it takes too long. */
async function sooner(work: Promise<boolean>): Promise<boolean> {
  const done = new AbortController();
  const late = sleep(LONGEST_MS, true, { signal: done.signal }).catch(() => true);
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
