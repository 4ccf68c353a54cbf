import { isMatrixError, MatrixError } from '@ganglion/contracts';
import { atTracePoint, type TracePoint, tracePoint } from '@ganglion/telemetry';
import { checkNotBlocked } from './blocked.js';
import type { EventBuilder } from './event-builder.js';
import { LocalPlacement } from './placement/local-placement.js';
import { type PlanDependencies, RoomPlan } from './placement/room-plan.js';
import type { CommitListener, CommitResult, Committer, RoomCommit, StateKey, Transaction } from './ports/rooms.js';
import type { RoomHead } from './room-head.js';
import { UnknownStateError } from './state/states.js';

/** One change that somebody wants of a room. It may be planned several times, each time on a newer head. */
export interface Command<T> {
  (room: LocalPlacement): Promise<T>;
  /** What of the room it looks at, so that all of a group can be loaded at once. */
  readonly looksAt?: readonly StateKey[];
  /** It changes so much that nothing else is planned together with it. */
  readonly isAlone?: boolean;
  /** It is also for rooms that the operator has blocked: it takes somebody out of them, or refuses by itself. */
  readonly isForBlocked?: boolean;
}

/** A command that says what it looks at. */
export function command<T>(
  looksAt: readonly StateKey[],
  run: (room: LocalPlacement) => Promise<T>,
  options: Pick<Command<T>, 'isForBlocked'> = {},
): Command<T> {
  return Object.assign(run, { looksAt }, options);
}

export interface RoomActorDependencies extends PlanDependencies {
  readonly committer: Committer;
  readonly builder: EventBuilder;
  readonly listener: CommitListener;
  /** The server names that are ours. */
  readonly serverNames: readonly string[];
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
 * One room in one process. Commands are planned one after the other on a draft of the head in memory, several go into one
 * commit, and when that finds the room changed by another replica the head learns what has changed and they are planned
 * again.
 */
export class RoomActor {
  #head: RoomHead | undefined;
  #waiting: Waiting[] = [];
  #running = false;

  constructor(
    readonly roomId: string,
    private readonly deps: RoomActorDependencies,
  ) {}

  /** Bytes that it takes in memory, roughly. */
  get weight(): number {
    return 500 + (this.#head?.weight ?? 0);
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
      const group = this.#nextGroup();
      try {
        await atTracePoint(group[0]?.tracePoint, () => this.#settle(group));
      } catch (error) {
        this.#head = undefined;
        await this.#settleEach(group, error);
      }
    }
    this.#running = false;
  }

  #nextGroup(): Waiting[] {
    const alone = this.#waiting.findIndex(({ command }) => command.isAlone);
    if (alone === 0) return this.#waiting.splice(0, 1);
    return this.#waiting.splice(0, alone < 0 ? MAX_COMMANDS : Math.min(alone, MAX_COMMANDS));
  }

  /** What fails for one of a group, but for being refused, must not fail for all. */
  async #settleEach(group: readonly Waiting[], error: unknown): Promise<void> {
    if (group.length === 1) return group[0]!.reject(error);
    for (const waiting of group) {
      await this.#settle([waiting]).catch((failure: unknown) => {
        this.#head = undefined;
        waiting.reject(failure);
      });
    }
  }

  async #settle(group: readonly Waiting[]): Promise<void> {
    let known: ReadonlySet<Transaction> = new Set();
    for (let attempt = 0; attempt < MAX_CONFLICTS; attempt++) {
      const fresh = this.#head === undefined;
      const head = await this.#load();
      const plan = new RoomPlan(head, this.deps, known);
      const result = await this.#attempt(group, plan, fresh);
      if (result.kind === 'committed') return;
      if (result.kind === 'known') known = new Set([...known, ...transactionsOf(plan, result.eventNids)]);
      else if (result.kind === 'stale' || !(await this.deps.store.refresh(head))) this.#head = undefined;
      if (result.kind !== 'known') await this.#pauseAfter(attempt);
    }
    throw new MatrixError(503, 'M_UNKNOWN', 'The room is too busy right now, please try again', {
      retry_after_ms: 500,
    });
  }

  /** Plans the group and commits it; whoever is in it is answered when that stands. */
  async #attempt(group: readonly Waiting[], plan: RoomPlan, fresh: boolean): Promise<CommitResult> {
    let isCommitted = false;
    try {
      await plan.load(group.flatMap(({ command }) => command.looksAt ?? []));
      const answers = await planAll(group, new LocalPlacement(plan, this.deps.builder));
      const result = plan.isEmpty ? await this.#confirm(plan, fresh) : await this.#commit(plan);
      isCommitted = result.kind === 'committed';
      if (isCommitted) for (const answer of answers) answer();
      return result;
    } catch (error) {
      // Somebody else has replaced a state of forks that this plan stood on.
      if (error instanceof UnknownStateError && !fresh) return { kind: 'stale' };
      throw error;
    } finally {
      plan.settle(isCommitted);
    }
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
  async #confirm({ base }: RoomPlan, fresh: boolean): Promise<CommitResult> {
    const isCurrent = fresh || (await this.deps.store.currentVersion(base.nid)) === base.version;
    return { kind: isCurrent ? 'committed' : 'conflict' };
  }

  async #commit(plan: RoomPlan): Promise<CommitResult> {
    await this.#setParticipating(plan);
    const commit = plan.commit();
    const result = await this.#commitOrLookUp(commit);
    if (result.kind === 'committed') this.deps.listener.committed(commit);
    return result;
  }

  /** Whether one of our users is in the room, when that may have changed. */
  async #setParticipating({ head, hosts }: RoomPlan): Promise<void> {
    const { serverNames, store } = this.deps;
    const change = serverNames.reduce((sum, name) => sum + (hosts.get(name) ?? 0), 0);
    if (change > 0) head.participating = true;
    if (change < 0) head.participating = (await store.countJoined(head.nid, serverNames)) + change > 0;
  }

  /** When the connection broke in the middle, only the database knows whether the commit happened. */
  async #commitOrLookUp(commit: RoomCommit): Promise<CommitResult> {
    try {
      return await this.deps.committer.commit(commit);
    } catch (error) {
      if (!(await this.#isThere(commit))) throw error;
      this.#head = undefined;
      return { kind: 'committed' };
    }
  }

  /** Whether just this commit happened, and not one like it: another process may have received the same events. */
  async #isThere({ roomNid, events }: RoomCommit): Promise<boolean> {
    const stored = await this.deps.graph.stored(
      roomNid,
      events.map(({ nid }) => nid),
    );
    return (
      events.length > 0 &&
      events.every(({ nid, status, roomSeq, stateAfterNid }) => {
        const node = stored.get(nid);
        return node?.status === status && node.roomSeq === roomSeq && node.stateAfterNid === stateAfterNid;
      })
    );
  }
}

function transactionsOf(plan: RoomPlan, eventNids: ReadonlySet<number>): Transaction[] {
  return plan.events.flatMap(({ nid, transaction }) => (eventNids.has(nid) && transaction ? [transaction] : []));
}

/** Plans each command; one that is refused changes nothing and does not hinder the others. */
async function planAll(group: readonly Waiting[], room: LocalPlacement): Promise<(() => void)[]> {
  const answers: (() => void)[] = [];
  for (const { command, tracePoint: point, resolve, reject } of group) {
    const before = room.plan.changes;
    try {
      // What came before it in the group may have changed what it looks at.
      if (!command.isForBlocked) checkNotBlocked(room.head);
      await room.plan.load(command.looksAt ?? []);
      const value = await atTracePoint(point, () => command(room));
      answers.push(() => resolve(value));
    } catch (error) {
      // What ended in the middle must not be committed in part.
      if (!isMatrixError(error) || room.plan.changes !== before) throw error;
      answers.push(() => reject(error));
    }
  }
  return answers;
}
