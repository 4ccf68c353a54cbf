import type { StateChange } from '@ganglion/contracts/room';
import type { AppendRoom, MembershipRow, StateKeyRow, StateLogEntry } from '../append-batch.js';
import type { CurrentEntry } from '../ports/append-model.js';
import { isStorableKey } from '../storable.js';

const MEMBER = 'm.room.member';

/** What stands in the state now, as the database has it. */
export type CurrentState = (roomNid: number, type: string, stateKey: string) => CurrentEntry | undefined;

export function stateKeyOf(roomNid: number, type: string, stateKey: string): string {
  return `${roomNid} ${type.length} ${type}${stateKey}`;
}

/** Follows the states of rooms through a batch: who is in them, and what of that our own users have to know. */
export class RoomStateChanges {
  readonly log: StateLogEntry[] = [];
  readonly #entries = new Map<string, CurrentEntry>();
  readonly #told = new Map<string, number | undefined>();
  readonly #keys = new Map<string, StateKeyRow>();
  readonly #memberships = new Map<string, MembershipRow>();

  constructor(
    private readonly current: CurrentState,
    private readonly isLocal: (userId: string) => boolean,
  ) {}

  get keys(): StateKeyRow[] {
    return [...this.#keys.values()];
  }

  get memberships(): MembershipRow[] {
    return [...this.#memberships.values()];
  }

  /** The event that an event under a key comes after, for the users of this server. */
  replaced(roomNid: number, type: string, stateKey: string): number | undefined {
    const key = stateKeyOf(roomNid, type, stateKey);
    const current = this.current(roomNid, type, stateKey);
    const entry = this.#entries.get(key);
    return this.#told.get(key) ?? (entry === undefined ? (current?.toldNid ?? current?.eventNid) : entry.eventNid);
  }

  /** Tells one of our users of a membership in a room that is not here, or goes on elsewhere. */
  tell(row: Omit<MembershipRow, 'since'>): void {
    this.#told.set(stateKeyOf(row.roomNid, MEMBER, row.userId), row.eventNid);
    this.#setMembership(row);
  }

  /** What stands under a key, after what was added so far. */
  #entry(roomNid: number, type: string, stateKey: string): CurrentEntry | undefined {
    const entry = this.#entries.get(stateKeyOf(roomNid, type, stateKey)) ?? this.current(roomNid, type, stateKey);
    return entry?.keyNid === undefined ? undefined : entry;
  }

  /** Adds what changes at a position; the room's counts go along. */
  add(room: AppendRoom, position: number, changes: readonly StateChange[]): void {
    const last = new Map(changes.filter(isStorableKey).map((change) => [change.keyNid, change]));
    for (const change of last.values()) this.#add(room, position, change);
  }

  #setMembership(row: Omit<MembershipRow, 'since'>): void {
    const key = `${row.roomNid} ${row.userId}`;
    const before = this.#memberships.get(key);
    const goesOn = before === undefined || before.membership === row.membership;
    this.#memberships.set(key, { ...row, since: goesOn ? before?.since : row.position });
  }

  #add(room: AppendRoom, position: number, change: StateChange): void {
    const { type, stateKey, keyNid } = change;
    const name = { roomNid: room.nid, keyNid, type, stateKey };
    const eventNid = change.eventNid === 0 ? undefined : change.eventNid;
    const entry = { ...name, eventNid, membership: eventNid === undefined ? undefined : change.membership };
    const before = this.#entry(room.nid, type, stateKey);
    this.log.push({ ...entry, position });
    const key = stateKeyOf(room.nid, type, stateKey);
    this.#entries.set(key, entry);
    this.#told.delete(key);
    if (type === MEMBER) this.#member(room, position, entry, before);
    else if (before === undefined) this.#key({ ...name, presentSince: undefined });
  }

  #member(
    room: AppendRoom,
    position: number,
    entry: Omit<StateLogEntry, 'position'>,
    before: CurrentEntry | undefined,
  ): void {
    const { roomNid, keyNid, type, stateKey, eventNid, membership = 'leave' } = entry;
    room.joined += countOf(membership, 'join') - countOf(before?.membership, 'join');
    room.invited += countOf(membership, 'invite') - countOf(before?.membership, 'invite');
    room.membersPosition = position;
    const comes = isPresent(membership) && !isPresent(before?.membership);
    const goes = !isPresent(membership) && isPresent(before?.membership);
    const presentSince = comes ? position : undefined;
    if (comes || goes || before === undefined) this.#key({ roomNid, keyNid, type, stateKey, presentSince });
    if (!this.isLocal(stateKey)) return;
    this.#setMembership({ userId: stateKey, roomNid, membership, position, eventNid, strippedState: undefined });
  }

  #key(row: StateKeyRow): void {
    this.#keys.set(stateKeyOf(row.roomNid, row.type, row.stateKey), row);
  }
}

function countOf(membership: string | undefined, wanted: string): number {
  return membership === wanted ? 1 : 0;
}

function isPresent(membership: string | undefined): boolean {
  return membership === 'join' || membership === 'invite';
}
