import type { TypingChanges, TypingLists, TypingRow } from './typing-lists.js';

/** Rooms. */
const MAX_LISTS = 10_000;

/** Who is typing in all rooms, kept up to date by what is appended. */
export class TypingBoard {
  readonly #rows = new Map<number, TypingRow>();
  #from: number;

  constructor({ from, rows }: TypingLists) {
    this.#from = from;
    for (const row of rows) this.#set(row);
  }

  get lists(): TypingLists {
    return { from: this.#from, rows: [...this.#rows.values()] };
  }

  /** Of what changed above this position nothing is missing. */
  get from(): number {
    return this.#from;
  }

  of(roomNid: number): TypingRow | undefined {
    return this.#rows.get(roomNid);
  }

  /** The lists that differ now. */
  apply({ rows, endsAt }: TypingChanges): readonly TypingRow[] {
    const ended = endsAt === undefined ? [] : this.#endAll(endsAt);
    for (const row of rows) this.#set(row);
    return [...ended, ...rows];
  }

  /**
   * Takes over what the appender knows as of a position, when changes may have been missed. Answers the lists that differ now:
   * as of a later position, where clients may have been told nothing of them although they asked.
   */
  learn({ from, rows }: TypingLists, position: number, toldAt?: number): readonly TypingRow[] {
    const listed = new Set(rows.map(({ roomNid }) => roomNid));
    const gone = [...this.#rows.values()]
      .filter((row) => !listed.has(row.roomNid) && row.typing.length > 0 && row.position <= position)
      .map((row) => ({ ...row, typing: [], position }));
    const news = rows.filter((row) => row.position > (this.#rows.get(row.roomNid)?.position ?? 0));
    const changed = [...news, ...gone].map((row) => ({ ...row, position: toldAt ?? row.position }));
    for (const row of changed) this.#set(row);
    this.#from = from;
    return changed;
  }

  #endAll(position: number): TypingRow[] {
    const ended = [...this.#rows.values()].filter(({ typing }) => typing.length > 0);
    const rows = ended.map((row) => ({ ...row, typing: [], position }));
    for (const row of rows) this.#set(row);
    return rows;
  }

  #set(row: TypingRow): void {
    this.#rows.delete(row.roomNid);
    this.#rows.set(row.roomNid, row);
    if (this.#rows.size > MAX_LISTS) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const { roomNid, typing, position } of this.#rows.values()) {
      if (typing.length > 0) continue;
      this.#rows.delete(roomNid);
      this.#from = Math.max(this.#from, position);
      return;
    }
  }
}
