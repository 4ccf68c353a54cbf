import type { RoomEvents, RoomLog } from '@ganglion/contracts/room';
import type { AppendModel, JumpName } from '../ports/append-model.js';

const PAGE = 1_000;

/**
 * Brings changes of a room's state that are too large to be told with their event into the database, a page at a time,
 * before the event is appended: nobody ever holds all of one.
 */
export class JumpStage {
  readonly #staged = new Map<string, Promise<void>>();

  constructor(
    private readonly model: AppendModel,
    private readonly log: Pick<RoomLog, 'getStateChanges'>,
  ) {}

  /** Stages what a run brings that its room does not have yet; undefined when there is nothing of the kind. */
  stageNews(run: RoomEvents, knownSeq: number): Promise<unknown> | undefined {
    const jumps = run.events.filter(({ hasMoreStateChanges, roomSeq }) => hasMoreStateChanges && roomSeq > knownSeq);
    return jumps.length === 0 ? undefined : Promise.all(jumps.map(({ roomSeq }) => this.stage(run, roomSeq)));
  }

  /** Resolves once all of it is there. @throws what the room-server or the database failed with */
  stage({ roomNid, roomId }: { roomNid: number; roomId: string }, roomSeq: number): Promise<void> {
    const jump = { roomNid, roomSeq };
    const key = keyOf(jump);
    const known = this.#staged.get(key);
    if (known !== undefined) return known;
    const staged = this.#read(jump, roomId);
    this.#staged.set(key, staged);
    staged.catch(() => this.#staged.delete(key));
    return staged;
  }

  forget(jump: JumpName): void {
    this.#staged.delete(keyOf(jump));
  }

  async #read(jump: JumpName, roomId: string): Promise<void> {
    for (let afterKey: number | undefined = 0; afterKey !== undefined; ) {
      const page = await this.log.getStateChanges({ roomId, roomSeq: jump.roomSeq, afterKey, limit: PAGE });
      await this.model.stageJump(jump, page.changes);
      afterKey = page.nextKey;
    }
  }
}

function keyOf({ roomNid, roomSeq }: JumpName): string {
  return `${roomNid} ${roomSeq}`;
}
