import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { WalPosition } from './replica.js';

const WRITTEN = `SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS position`;
/** Looking at the replicas does not wait longer for the primary than this. */
const PATIENCE_MS = 500;

/** Where the primary's WAL stood and when, by our own clock: what a replica has to have replayed to be young enough. */
export class WalMarks {
  #marks: { at: number; position: WalPosition }[] = [];

  constructor(
    private readonly primary: Pool,
    private readonly maxLagMs: number,
  ) {}

  /**
   * What a replica must have replayed to be at most `maxLagMs` behind: the oldest position seen within that time. Nothing is
   * asked for when the primary did not answer all this time: then the replicas are the best there is.
   */
  async required(): Promise<WalPosition> {
    const at = performance.now();
    const position = await this.#position();
    this.#marks = this.#marks.filter((mark) => mark.at >= at - this.maxLagMs);
    if (position !== undefined) this.#marks.push({ at, position });
    return this.#marks[0]?.position ?? 0;
  }

  async #position(): Promise<WalPosition | undefined> {
    const timeout = new AbortController();
    const late = sleep(PATIENCE_MS, undefined, { signal: timeout.signal, ref: false }).catch(() => undefined);
    const asked = this.primary.query<{ position: WalPosition }>(WRITTEN).catch(() => undefined);
    const answer = await Promise.race([asked, late]);
    timeout.abort();
    return answer?.rows[0]?.position;
  }
}
