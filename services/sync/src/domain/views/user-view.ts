import { type CompiledPushRules, compilePushRules, storedPushRuleChanges } from '@ganglion/protocol';
import type { AccountDataRow } from '../append-batch.js';
import type { RoomRecord } from '../ports/read-model.js';
import { ReadMarks } from './read-marks.js';
import type { TrackedEphemeral } from './tracked-ephemeral.js';
import { USUAL_RULES } from './usual-rules.js';

/** A room that some user in memory has to do with. */
export interface TrackedRoom {
  readonly record: RoomRecord;
  /** Of the room's last event. */
  position: number;
  readonly ephemeral: TrackedEphemeral;
  readonly users: Set<UserView>;
}

export interface RoomMembership {
  readonly room: TrackedRoom;
  membership: string;
  /** Of the event that brought it, be it only another name. */
  position: number;
  /** From where on they have had it. */
  since: number;
  /** The event; undefined when the entry vanished from the room's state. */
  eventNid: number | undefined;
  /** A JSON array: what is known of a room that we are not in. */
  strippedState: string | undefined;
  /** How far the user has read. */
  readonly marks: ReadMarks;
}

/** What one replica keeps in mind of a user who syncs here. */
export class UserView {
  readonly rooms = new Map<number, RoomMembership>();
  readonly #marks = new Map<number, ReadMarks>();
  readonly #waiting = new Set<() => void>();
  /** Of the last change to the user's account data. */
  accountDataPosition = 0;
  ignored: ReadonlySet<string> = new Set();
  pushRules: CompiledPushRules = USUAL_RULES;
  /** Of the last change to the user's push rules; 0 when there was none. */
  pushRulesPosition = 0;
  /** How often something happened for the user. */
  wakes = 0;

  constructor(readonly userId: string) {}

  /** The highest position that the user's memberships speak of. */
  get reached(): number {
    let highest = this.accountDataPosition;
    for (const { position } of this.rooms.values()) if (position > highest) highest = position;
    return highest;
  }

  /** Whether anything may have happened for the user after a position: cheap, and never wrongly false. */
  hasNews(since: number): boolean {
    if (this.accountDataPosition > since) return true;
    for (const { membership, position, room, marks } of this.rooms.values()) {
      if (position > since) return true;
      if (membership === 'join' && Math.max(room.position, room.ephemeral.position, marks.position) > since)
        return true;
    }
    return false;
  }

  /** Takes over what of the account data matters to answers. */
  applyAccountData({ roomId, type, content, position }: AccountDataRow): void {
    this.accountDataPosition = Math.max(this.accountDataPosition, position);
    if (roomId !== '') return;
    if (type === 'm.ignored_user_list') this.ignored = parseIgnored(content, this.userId);
    if (type !== 'm.push_rules') return;
    this.pushRules = compilePushRules(storedPushRuleChanges(JSON.parse(content)));
    this.pushRulesPosition = position;
  }

  /** How far the user has read in a room. */
  readMarks(roomNid: number): ReadMarks {
    const known = this.#marks.get(roomNid);
    if (known !== undefined) return known;
    const marks = new ReadMarks();
    this.#marks.set(roomNid, marks);
    return marks;
  }

  /** Resolves when something happens for the user, the time is over, or the signal is aborted. */
  async wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#waiting.add(resolve);
    signal.addEventListener('abort', resolve as () => void, { once: true });
    await promise;
    clearTimeout(timer);
    this.#waiting.delete(resolve);
    signal.removeEventListener('abort', resolve as () => void);
  }

  wake(): void {
    this.wakes += 1;
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/**
 * The users whom someone ignores; nobody can ignore themselves.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#ignoring-users
 */
function parseIgnored(content: string, self: string): ReadonlySet<string> {
  const { ignored_users: users } = JSON.parse(content) as { ignored_users?: unknown };
  const ids = typeof users === 'object' && users !== null ? Object.keys(users) : [];
  return new Set(ids.filter((userId) => userId !== self));
}
