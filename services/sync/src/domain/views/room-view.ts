import type { AppendRoom } from '../append-batch.js';
import type { LoadedRoom, MemberCounts, RoomRecord } from '../ports/read-model.js';
import type { EventPlace, StateVersion } from '../timeline-event.js';
import type { Heroes } from './member-summary.js';
import { VersionLog } from './version-log.js';

const MAX_MEMBERS = 1_000;

/**
 * A room in the memory of one replica: its recent events, its state but members at any position of that window, the
 * members whom somebody asked for, and how many there are. What a usual /sync needs is answered from here without asking
 * the database.
 *
 * It is filled by a load and by what the feed brings, in any order: what it has already it does not take twice.
 */
export class RoomView {
  /** Consecutive events of the room, oldest first; none is missing above `windowStart`. */
  #recent: EventPlace[];
  readonly #entries = new VersionLog();
  readonly #members = new VersionLog();
  /** The versions of the window, members' among them, in the order of their positions. */
  #changes: StateVersion[];
  /** Of the last change of each entry that changed in the window. */
  readonly #changed = new Map<string, number>();
  #counts: MemberCounts;
  #heroes: { readonly membersPosition: number; readonly value: Promise<Heroes> } | undefined;
  #knowsAll = false;
  #relationsPosition: number;
  /** From where on the room's members are known: it was joined without most of them, if not always. */
  wholeFrom: number;
  /** The view answers for this position and all later ones. */
  windowStart: number;

  constructor(
    readonly record: RoomRecord,
    { recent, windowStart, state, memberChanges, counts, relationsPosition, wholeFrom }: LoadedRoom,
    private readonly maxRecent: number,
  ) {
    this.windowStart = windowStart;
    this.#recent = [...recent];
    this.#counts = counts;
    this.#relationsPosition = relationsPosition;
    this.wholeFrom = wholeFrom;
    for (const version of state) this.#entries.add(version);
    const changes = [...state, ...memberChanges].filter(({ position }) => position > windowStart);
    this.#changes = changes.sort((one, other) => one.position - other.position);
    for (const version of this.#changes) this.#changed.set(nameOf(version), version.position);
  }

  /** How much memory it stands for: versions of state and events. */
  get weight(): number {
    return 1 + this.#entries.size + this.#members.size + this.#changes.length + this.#recent.length;
  }

  covers(position: number): boolean {
    return position >= this.windowStart;
  }

  /** The events above one position, which the window must cover, and up to another; oldest first. */
  between(above: number, upTo: number): readonly EventPlace[] {
    return this.#recent.slice(this.#firstAbove(above), this.#firstAbove(upTo));
  }

  /** The recent event of a number. */
  recent(eventNid: number): EventPlace | undefined {
    return this.#recent.findLast((place) => place.eventNid === eventNid);
  }

  /** The version of an entry, but a member, that holds at a position within the window. */
  version(type: string, stateKey: string, at: number): StateVersion | undefined {
    return this.#entries.at({ type, stateKey }, at);
  }

  /** The state at a position within the window, without members: the version of each entry that holds there. */
  stateAt(at: number): StateVersion[] {
    return this.#entries.allAt(at);
  }

  /** Of the entries that changed above one position, which the window must cover, and up to another, what they are then. */
  changedState(above: number, upTo: number, withMembers: boolean): StateVersion[] {
    const latest = new Map<string, StateVersion>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const version = this.#changes[index]!;
      if (version.position <= above) break;
      const name = nameOf(version);
      const isWanted = withMembers || version.type !== 'm.room.member';
      if (isWanted && version.position <= upTo && !latest.has(name)) latest.set(name, version);
    }
    return [...latest.values()].reverse();
  }

  /** Whether the versions of a member in the window are known. */
  knowsMember(userId: string): boolean {
    return this.#knowsAll || this.#members.has({ type: 'm.room.member', stateKey: userId });
  }

  /** The version of a known member that holds at a position within the window. */
  member(userId: string, at: number): StateVersion | undefined {
    return this.#members.at({ type: 'm.room.member', stateKey: userId }, at);
  }

  /** Whether every member is known, as they are of rooms with few of them. */
  get knowsAllMembers(): boolean {
    return this.#knowsAll;
  }

  /** Every known member at a position within the window. */
  membersAt(at: number): StateVersion[] {
    return this.#members.allAt(at);
  }

  /** Takes over all members as they were at the start of the window. */
  learnAllMembers(versions: readonly StateVersion[]): void {
    this.#members.clear();
    for (const version of versions) this.#members.add(version);
    for (const version of this.#changes) if (isMember(version)) this.#members.add(version);
    this.#knowsAll = true;
  }

  /** Takes over members as they were read for the window, and what the feed has brought of them since. */
  learnMembers(userIds: readonly string[], versions: readonly StateVersion[]): void {
    if (this.#knowsAll) return;
    if (this.#members.size + userIds.length > MAX_MEMBERS) this.#members.clear();
    for (const userId of userIds) this.#members.know({ type: 'm.room.member', stateKey: userId });
    for (const version of versions) this.#members.add(version);
    const learnt = new Set(userIds);
    for (const version of this.#changes)
      if (isMember(version) && learnt.has(version.stateKey)) this.#members.add(version);
  }

  /** Whether a membership changed above a position. */
  membersChanged(above: number): boolean {
    return this.#counts.membersPosition > above;
  }

  /** How many are in the room, as of the latest change. */
  get counts(): MemberCounts {
    return this.#counts;
  }

  /** After whom to call the room; read anew only when memberships have changed. */
  heroes(read: () => Promise<Heroes>): Promise<Heroes> {
    const { membersPosition } = this.#counts;
    if (this.#heroes?.membersPosition === membersPosition) return this.#heroes.value;
    const value = read();
    this.#heroes = { membersPosition, value };
    value.catch(() => {
      this.#heroes = undefined;
    });
    return value;
  }

  apply(event: EventPlace): void {
    if (event.position <= (this.#recent.at(-1)?.position ?? this.windowStart)) return;
    this.#recent.push(event);
    if (this.#recent.length > 2 * this.maxRecent) this.#trim();
  }

  /** Also what the window has moved beyond already, as it does when much comes at once. */
  applyState(version: StateVersion): void {
    const name = nameOf(version);
    if (version.type !== 'm.room.member') this.#entries.add(version);
    else if (this.knowsMember(version.stateKey)) this.#members.add(version);
    if (version.position <= Math.max(this.windowStart, this.#changed.get(name) ?? 0)) return;
    this.#changed.set(name, version.position);
    this.#changes.push(version);
  }

  /** Whether anything may relate to an event of this position. What relates to another comes after it, or is backfilled. */
  mayHaveChildren(position: number): boolean {
    return this.#relationsPosition > position;
  }

  applyRoom({ joined, invited, membersPosition, relationsPosition, wholeFrom }: AppendRoom): void {
    this.wholeFrom = wholeFrom ?? this.wholeFrom;
    // A batch of the release before does not tell of relations.
    this.#relationsPosition = Math.max(this.#relationsPosition, relationsPosition ?? 0);
    if (membersPosition > this.#counts.membersPosition) this.#counts = { joined, invited, membersPosition };
  }

  /** Forgets the older half of the window. Of each entry the version that holds at its new start stays. */
  #trim(): void {
    const cut = this.#recent.length - this.maxRecent;
    this.windowStart = this.#recent[cut - 1]?.position ?? this.windowStart;
    this.#recent = this.#recent.slice(cut);
    this.#changes = this.#changes.filter(({ position }) => position > this.windowStart);
    for (const [name, position] of this.#changed) if (position <= this.windowStart) this.#changed.delete(name);
    this.#entries.trim(this.windowStart);
    this.#members.trim(this.windowStart);
    // Each change of a member stays, as long as all are known: with many of them it is not worth it any more.
    if (this.#members.size > MAX_MEMBERS) this.#forgetMembers();
  }

  #forgetMembers(): void {
    this.#members.clear();
    this.#knowsAll = false;
  }

  /** The index of the first recent event above a position. */
  #firstAbove(position: number): number {
    let low = 0;
    let high = this.#recent.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#recent[middle]!.position <= position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isMember({ type }: StateVersion): boolean {
  return type === 'm.room.member';
}

function nameOf({ type, stateKey }: StateVersion): string {
  return `${type.length} ${type}${stateKey}`;
}
