import {
  type CompiledPushRules,
  compilePushRules,
  INVITE_RULE_TYPES,
  InviteRules,
  type InviteRuleType,
  storedPushRuleChanges,
} from '@ganglion/protocol';
import type { AccountDataRow, ReceiptRow } from '../append-batch.js';
import type { RoomRecord } from '../ports/read-model.js';
import { ChangeList, type Listed } from './change-list.js';
import { Inboxes } from './inboxes.js';
import { ReadMarks } from './read-marks.js';
import { USUAL_RULES } from './usual-rules.js';

/** A room that some user in memory has to do with. */
export class TrackedRoom {
  /** Of the room's last event. */
  position: number;
  /** Of the last change of a membership. */
  membersPosition: number;
  /** Whether anybody may have set a receipt in it. */
  mayHaveReceipts: boolean;
  /** What those users are in it. */
  readonly users = new Map<UserView, TrackedMembership>();

  constructor(readonly record: RoomRecord) {
    this.position = record.position;
    this.membersPosition = record.membersPosition ?? record.position;
    this.mayHaveReceipts = record.hasReceipts ?? true;
  }

  /** What happens in the room concerns those who are in it: they are added to these. */
  touch(position: number, concerned: Set<UserView>): void {
    for (const [user, membership] of this.users) {
      if (membership.membership !== 'join') continue;
      user.touch(membership, position);
      concerned.add(user);
    }
  }
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

/** What a user is in a room, but for the room. */
export type Membership = Omit<RoomMembership, 'room' | 'marks'>;

/** A membership that the feed keeps up to date. Its last change is of whatever the room has to tell the user. */
export interface TrackedMembership extends RoomMembership, Listed {}

export function newMembership(room: TrackedRoom, known: Membership): TrackedMembership {
  const { membership, position, since, eventNid, strippedState } = known;
  const listed = { changedAt: position, newer: undefined, older: undefined };
  return { room, membership, position, since, eventNid, strippedState, marks: new ReadMarks(), ...listed };
}

/** The membership as it is now, which the feed does not change any more. */
export function snapshotOf(known: RoomMembership): RoomMembership {
  const { room, membership, position, since, eventNid, strippedState, marks } = known;
  return { room, membership, position, since, eventNid, strippedState, marks };
}

/** What one replica keeps in mind of a user who syncs here. */
export class UserView {
  readonly rooms = new Map<number, TrackedMembership>();
  readonly #changes = new ChangeList<TrackedMembership>();
  readonly #waiting = new Set<() => void>();
  /** Of the last change to the user's account data. */
  accountDataPosition = 0;
  ignored: ReadonlySet<string> = new Set();
  /** Whose invites they want. */
  inviteRules = new InviteRules({});
  readonly #inviteConfigs: Partial<Record<InviteRuleType, unknown>> = {};
  pushRules: CompiledPushRules = USUAL_RULES;
  /** Of the last change to the user's push rules; 0 when there was none. */
  pushRulesPosition = 0;
  /** Of the last change of keys that their devices have to know of. */
  keysPosition = 0;
  /** Of the last change of how reachable somebody is whom they share a room with. */
  presencePosition = 0;
  /** Of how reachable they are themselves, which is nothing to be woken for: their own devices have made it so. */
  ownPresencePosition = 0;
  /** What waits for their devices. */
  readonly inboxes = new Inboxes();
  /** How often something happened for the user. */
  wakes = 0;

  constructor(
    readonly userId: string,
    /** Of what happened above this position, the view has seen everything. */
    readonly seenFrom: number,
  ) {}

  /** The highest position that the view speaks of. */
  get reached(): number {
    return Math.max(this.accountDataPosition, this.#changes.changedAt, this.keysPosition, this.presencePosition);
  }

  /** Whether anything may have happened for the user after a position: cheap, and never wrongly false. */
  hasNews(since: number): boolean {
    return since < this.seenFrom || this.reached > since;
  }

  /** The rooms in which anything may have happened for the user after a position; all of them where that is not known. */
  changedRooms(since: number): Iterable<RoomMembership> {
    return since < this.seenFrom ? this.rooms.values() : this.#changes.above(since);
  }

  /** Adds a room; of many, the one with the oldest change should come first. */
  add(membership: TrackedMembership): void {
    this.rooms.set(membership.room.record.nid, membership);
    membership.room.users.set(this, membership);
    this.#changes.add(membership);
  }

  /** Something happened in one of the user's rooms. */
  touch(membership: TrackedMembership, position: number): void {
    this.#changes.touch(membership, position);
  }

  /** Takes over what of the account data matters to answers. */
  applyAccountData({ roomId, type, content, position }: AccountDataRow): void {
    this.accountDataPosition = Math.max(this.accountDataPosition, position);
    if (roomId !== '') return;
    if (type === 'm.ignored_user_list') this.ignored = parseIgnored(content, this.userId);
    const inviteType = INVITE_RULE_TYPES.find((known) => known === type);
    if (inviteType !== undefined) {
      this.#inviteConfigs[inviteType] = JSON.parse(content);
      this.inviteRules = new InviteRules(this.#inviteConfigs);
    }
    if (type !== 'm.push_rules') return;
    this.pushRules = compilePushRules(storedPushRuleChanges(JSON.parse(content)));
    this.pushRulesPosition = position;
  }

  /** The user has read on. */
  applyReceipt(receipt: ReceiptRow): void {
    const membership = this.rooms.get(receipt.roomNid);
    if (membership === undefined) return;
    membership.marks.apply(receipt);
    this.touch(membership, receipt.position);
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
