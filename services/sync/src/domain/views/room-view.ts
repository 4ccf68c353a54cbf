import type { Redaction } from '../append-batch.js';
import type { RoomRecord } from '../ports/read-model.js';
import type { StateVersion, TimelineEvent } from '../timeline-event.js';
import { type MemberSummary, summarise } from './member-summary.js';

const keyOf = (type: string, stateKey: string): string => `${type.length} ${type}${stateKey}`;

/**
 * A room in the memory of one replica: its recent events, and its state at any position of that window. What a usual
 * /sync needs is answered from here without asking the database.
 *
 * It is filled by a load and by what the feed brings, in any order: what it has already it does not take twice.
 */
export class RoomView {
  /** Consecutive events of the room, oldest first; none is missing above `windowStart`. */
  #recent: TimelineEvent[];
  /** The versions of each entry of the state, oldest first. */
  readonly #versions = new Map<string, StateVersion[]>();
  /** Those of the window, in the order of their positions. */
  #changes: StateVersion[] = [];
  #lastMemberChange = 0;
  #joined = 0;
  #summary: { readonly at: number; readonly value: MemberSummary } | undefined;

  constructor(
    readonly record: RoomRecord,
    recent: TimelineEvent[],
    versions: readonly StateVersion[],
    /** The view answers for this position and all later ones. */
    public windowStart: number,
    private readonly maxRecent: number,
  ) {
    this.#recent = recent;
    for (const version of versions) this.applyState(version);
  }

  /** How much memory it stands for: entries of state and events. */
  get weight(): number {
    return 1 + this.#versions.size + this.#recent.length;
  }

  covers(position: number): boolean {
    return position >= this.windowStart;
  }

  /** The events above one position, which the window must cover, and up to another; oldest first. */
  between(above: number, upTo: number): readonly TimelineEvent[] {
    return this.#recent.slice(this.#firstAbove(above), this.#firstAbove(upTo));
  }

  /** The version of an entry that holds at a position within the window. */
  version(type: string, stateKey: string, at: number): StateVersion | undefined {
    return lastUpTo(this.#versions.get(keyOf(type, stateKey)), at);
  }

  /** The versions of an entry within the window, oldest first. */
  versionsOf(type: string, stateKey: string): readonly StateVersion[] {
    return this.#versions.get(keyOf(type, stateKey)) ?? [];
  }

  /** The event of an entry at a position within the window. */
  stateEvent(type: string, stateKey: string, at: number): TimelineEvent | undefined {
    return this.version(type, stateKey, at)?.event;
  }

  /** The state at a position within the window: the version of each entry that holds there. */
  stateAt(at: number): StateVersion[] {
    const state: StateVersion[] = [];
    for (const versions of this.#versions.values()) {
      const version = lastUpTo(versions, at);
      if (version !== undefined) state.push(version);
    }
    return state;
  }

  /** Of the entries that changed above one position, which the window must cover, and up to another, what they are then. */
  changedState(above: number, upTo: number): StateVersion[] {
    const latest = new Map<string, StateVersion>();
    for (let index = this.#changes.length - 1; index >= 0; index--) {
      const version = this.#changes[index]!;
      if (version.position <= above) break;
      const key = keyOf(version.type, version.stateKey);
      if (version.position <= upTo && !latest.has(key)) latest.set(key, version);
    }
    return [...latest.values()].reverse();
  }

  /** Whether a membership changed above one position and up to another. */
  membersChanged(above: number): boolean {
    return this.#lastMemberChange > above;
  }

  /** Who is in the room at a position; remembered for all who ask until the next change. */
  members(at: number): MemberSummary {
    const known = this.#summary;
    if (known !== undefined && known.at >= this.#lastMemberChange && at >= known.at) return known.value;
    const value = summarise(this.stateAt(at));
    if (at >= this.#lastMemberChange) this.#summary = { at, value };
    return value;
  }

  apply(event: TimelineEvent): void {
    if (event.position <= (this.#recent.at(-1)?.position ?? this.windowStart)) return;
    this.#recent.push(event);
    if (this.#recent.length > 2 * this.maxRecent) this.#trim();
  }

  /** How many have joined, as of the latest change. */
  get joinedCount(): number {
    return this.#joined;
  }

  applyState(version: StateVersion): void {
    const key = keyOf(version.type, version.stateKey);
    const versions = this.#versions.get(key);
    const before = versions?.at(-1);
    if (before !== undefined && before.position >= version.position) return;
    if (versions === undefined) this.#versions.set(key, [version]);
    else versions.push(version);
    if (version.position > this.windowStart) this.#changes.push(version);
    if (version.type === 'm.room.member') this.#joined += joins(version) - joins(before);
    if (version.type === 'm.room.member') this.#lastMemberChange = Math.max(this.#lastMemberChange, version.position);
  }

  redact({ eventId, json, fixedUnsigned }: Redaction): void {
    const fresh = { json, fixedUnsigned };
    for (const event of this.#recent) if (event.eventId === eventId) Object.assign(event, fresh);
    for (const versions of this.#versions.values()) {
      for (const { event } of versions) if (event?.eventId === eventId) Object.assign(event, fresh);
    }
  }

  /** Forgets the older half of the window. Of each entry the version that holds at its new start stays. */
  #trim(): void {
    const cut = this.#recent.length - this.maxRecent;
    this.windowStart = this.#recent[cut - 1]?.position ?? this.windowStart;
    this.#recent = this.#recent.slice(cut);
    this.#changes = this.#changes.filter(({ position }) => position > this.windowStart);
    for (const versions of this.#versions.values()) {
      if (versions.length === 1) continue;
      const holding = versions.findLastIndex(({ position }) => position <= this.windowStart);
      if (holding > 0) versions.splice(0, holding);
    }
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

function joins(version: StateVersion | undefined): number {
  return version?.event?.membership === 'join' ? 1 : 0;
}

function lastUpTo(versions: readonly StateVersion[] | undefined, at: number): StateVersion | undefined {
  const last = versions?.at(-1);
  return last === undefined || last.position <= at ? last : versions?.findLast(({ position }) => position <= at);
}
