import { setImmediate as turn } from 'node:timers/promises';
import { isConnectionError, isUniqueViolation, type Queryable } from '@ganglion/database';
import { tracingEnabled, withSpans } from '@ganglion/telemetry';
import type { CommitResult, Committer, RoomCommit } from '../domain/ports/rooms.js';
import { tracePointsOf } from '../domain/trace-points.js';
import { commitStatement, type PublishedRun } from './commit-statement.js';

/** More would only make each statement slower. */
const MAX_EVENTS = 512;

interface Waiting {
  readonly commit: RoomCommit;
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: while one statement runs, what arrives waits and goes into the next one together, whatever its room. Alone, an
 * event is committed at once; under load, one transaction carries hundreds.
 */
export class GroupCommitter implements Committer {
  #waiting: Waiting[] = [];
  #published: PublishedRun[] = [];
  #running = false;

  constructor(private readonly db: Queryable) {}

  commit(commit: RoomCommit): Promise<CommitResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, resolve, reject });
      if (!this.#running) void this.#run();
    });
  }

  /** The next statement forgets the outbox row of this run of events. */
  published(run: PublishedRun): void {
    this.#published.push(run);
  }

  /** Outbox rows that wait to be forgotten, for when no commit comes that would take them along. */
  takePublished(): PublishedRun[] {
    return this.#published.splice(0);
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      // What other rooms have ready in this turn of the event loop goes into the same statement.
      await turn();
      await this.#commitAll(this.#nextGroup());
    }
    this.#running = false;
  }

  #nextGroup(): Waiting[] {
    let events = 0;
    const fitting = this.#waiting.findIndex(({ commit }) => {
      events += commit.events.length;
      return events > MAX_EVENTS;
    });
    return this.#waiting.splice(0, fitting === -1 ? this.#waiting.length : Math.max(1, fitting));
  }

  async #commitAll(group: readonly Waiting[]): Promise<void> {
    try {
      const commits = group.map(({ commit }) => commit);
      const results = tracingEnabled()
        ? await withSpans('commit', {}, commits.flatMap(tracePointsOf), () => this.#write(commits))
        : await this.#write(commits);
      for (const { commit, resolve } of group) resolve(results.get(commit.roomNid) ?? { kind: 'conflict' });
    } catch (error) {
      await this.#afterFailure(group, error);
    }
  }

  /** What became of the commits, by room; those without an answer met a newer room. */
  async #write(commits: readonly RoomCommit[]): Promise<ReadonlyMap<number, CommitResult>> {
    type Row = { room_nid: number; known_event_nid: number | null };
    const { rows } = await this.db.query<Row>(commitStatement(commits, this.takePublished()));
    const results = new Map<number, CommitResult>();
    for (const [roomNid, ofRoom] of Map.groupBy(rows, (row) => row.room_nid)) {
      const known = ofRoom.flatMap(({ known_event_nid: nid }) => nid ?? []);
      results.set(roomNid, known.length === 0 ? { kind: 'committed' } : { kind: 'known', eventNids: new Set(known) });
    }
    return results;
  }

  /** One room's event that the database refuses must not fail the others that went with it. */
  async #afterFailure(group: readonly Waiting[], error: unknown): Promise<void> {
    const [first] = group;
    // An event or a key has come to the room meanwhile, by a way that does not count its commits.
    if (group.length === 1 && isUniqueViolation(error)) return first!.resolve({ kind: 'stale' });
    if (group.length === 1 || isConnectionError(error)) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const waiting of group) await this.#commitAll([waiting]);
  }
}
