import type { EntryName } from '../ports/read-model.js';
import type { StateVersion } from '../timeline-event.js';

/** Versions of entries of a room's state, oldest first. */
export class VersionLog {
  readonly #versions = new Map<string, StateVersion[]>();
  size = 0;

  has(name: EntryName): boolean {
    return this.#versions.has(keyOf(name));
  }

  /** Remembers that all there is of an entry is what gets added, be it nothing. */
  know(name: EntryName): void {
    if (!this.has(name)) this.#versions.set(keyOf(name), []);
  }

  /** Adds a version, unless it has it or a later one. */
  add(version: StateVersion): void {
    const key = keyOf(version);
    const versions = this.#versions.get(key);
    if ((versions?.at(-1)?.position ?? -1) >= version.position) return;
    if (versions === undefined) this.#versions.set(key, [version]);
    else versions.push(version);
    this.size += 1;
  }

  /** The version of an entry that holds at a position. */
  at(name: EntryName, at: number): StateVersion | undefined {
    return lastUpTo(this.#versions.get(keyOf(name)), at);
  }

  /** The version of each entry that holds at a position. */
  allAt(at: number): StateVersion[] {
    const all: StateVersion[] = [];
    for (const versions of this.#versions.values()) {
      const version = lastUpTo(versions, at);
      if (version !== undefined) all.push(version);
    }
    return all;
  }

  /** Forgets what holds nowhere from a position on. */
  trim(start: number): void {
    for (const versions of this.#versions.values()) {
      const holding = versions.findLastIndex(({ position }) => position <= start);
      if (holding <= 0) continue;
      versions.splice(0, holding);
      this.size -= holding;
    }
  }

  clear(): void {
    this.#versions.clear();
    this.size = 0;
  }
}

export function lastUpTo(versions: readonly StateVersion[] | undefined, at: number): StateVersion | undefined {
  const last = versions?.at(-1);
  return last === undefined || last.position <= at ? last : versions?.findLast(({ position }) => position <= at);
}

function keyOf({ type, stateKey }: EntryName): string {
  return `${type.length} ${type}${stateKey}`;
}
