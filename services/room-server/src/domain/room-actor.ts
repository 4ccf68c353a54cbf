import { MatrixError } from '@ganglion/contracts';
import { atTracePoint, type TracePoint, tracePoint } from '@ganglion/telemetry';
import { CommitBuilder } from './commit-builder.js';
import type { EventBuilder } from './event-builder.js';
import type { CommitListener, CommitResult, Committer, NumberSource, RoomCommit, RoomStore } from './ports.js';
import type { RoomHead } from './room-head.js';

/** One change that somebody wants of a room. It may be planned several times, each time on a newer head. */
export type Command<T> = (commit: CommitBuilder) => Promise<T>;

export interface RoomActorDependencies {
  readonly store: RoomStore;
  readonly committer: Committer;
  readonly builder: EventBuilder;
  readonly numbers: NumberSource;
  readonly listener: CommitListener;
  /** Resolves after so many milliseconds. */
  readonly pause: (ms: number) => Promise<unknown>;
}

interface Waiting {
  readonly command: Command<unknown>;
  readonly tracePoint: TracePoint | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** How many commands go into one commit at most. */
const MAX_COMMANDS = 64;
/** A room that many replicas write to at once is planned again; routing makes that rare. */
const MAX_CONFLICTS = 50;
const LONGEST_PAUSE_MS = 40;

/**
 * One room in one process. Commands are planned one after the other on the head in memory, several go into one commit, and
 * a commit that finds the room changed by another replica throws the head away and plans them again.
 */
export class RoomActor {
  #head: RoomHead | undefined;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(
    readonly roomId: string,
    private readonly deps: RoomActorDependencies,
  ) {}

  get idle(): boolean {
    return !this.#running;
  }

  /** @throws MatrixError M_NOT_FOUND when there is no such room, and whatever the command throws */
  run<T>(command: Command<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const settle = { resolve: resolve as Waiting['resolve'], reject };
      this.#waiting.push({ command, tracePoint: tracePoint(), ...settle });
      if (!this.#running) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_COMMANDS);
      try {
        await atTracePoint(group[0]?.tracePoint, () => this.#settle(group));
      } catch (error) {
        this.#head = undefined;
        for (const { reject } of group) reject(error);
      }
    }
    this.#running = false;
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      const fresh = this.#head === undefined;
      const head = await this.#load();
      const commit = new CommitBuilder(head, this.deps.builder, this.deps.numbers, attempt > 0);
      const answers = await planAll(group, commit);
      const stands = commit.isEmpty ? fresh || (await this.#isCurrent(head)) : await this.#commit(commit.commit());
      if (stands) {
        for (const answer of answers) answer();
        return;
      }
      this.#head = undefined;
      await this.#pauseAfter(attempt);
    }
    throw new MatrixError(503, 'M_UNKNOWN', 'The room is too busy right now, please try again', {
      retry_after_ms: 500,
    });
  }

  /** A first conflict is mostly bad luck, or a repeated transaction. Where many compete, chance lets one go ahead. */
  async #pauseAfter(attempt: number): Promise<void> {
    if (attempt > 0) await this.deps.pause(Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS));
  }

  async #load(): Promise<RoomHead> {
    this.#head ??= await this.deps.store.loadHead(this.roomId);
    if (this.#head === undefined) throw new MatrixError(404, 'M_NOT_FOUND', 'There is no such room');
    return this.#head;
  }

  /** A refusal that another replica's newer state would not have made must not reach anybody. */
  async #isCurrent(head: RoomHead): Promise<boolean> {
    return (await this.deps.store.currentVersion(head.nid)) === head.version;
  }

  async #commit(commit: RoomCommit): Promise<boolean> {
    const committed = (await this.#commitOrLookUp(commit)) === 'committed';
    if (committed) this.deps.listener.committed(commit);
    return committed;
  }

  /** When the connection broke in the middle, only the database knows whether the commit happened. */
  async #commitOrLookUp(commit: RoomCommit): Promise<CommitResult> {
    try {
      return await this.deps.committer.commit(commit);
    } catch (error) {
      const last = commit.events.at(-1);
      const found = last && (await this.deps.store.findEvent(commit.roomNid, last.event.eventId));
      if (found === undefined) throw error;
      this.#head = undefined;
      return 'committed';
    }
  }
}

/** Plans each command; one that is refused changes nothing and does not hinder the others. */
async function planAll(group: readonly Waiting[], commit: CommitBuilder): Promise<(() => void)[]> {
  const answers: (() => void)[] = [];
  for (const { command, tracePoint: point, resolve, reject } of group) {
    try {
      const value = await atTracePoint(point, () => command(commit));
      answers.push(() => resolve(value));
    } catch (error) {
      answers.push(() => reject(error));
    }
  }
  return answers;
}
