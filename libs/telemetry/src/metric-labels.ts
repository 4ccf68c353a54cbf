/** The labels of a metric: names only, or each name with every value that it may take. */
export type LabelDeclaration = readonly string[] | Readonly<Record<string, readonly string[] | undefined>>;

export type Labels = Readonly<Record<string, string | number | boolean>>;

const OTHER = 'other';
const MAX_VALUES = 200;
/** What grows with the number of people and rooms would make a series for each of them. */
const UNBOUNDED = /^(room|user|event|device|sender|alias|ip|token|request|trace|span|transaction|txn)(_?id)?$/;

/** Keeps the number of series of a metric small whatever callers pass. */
export class LabelGuard {
  readonly names: string[];
  readonly #seen: Map<string, Set<string>>;
  readonly #closed = new Set<string>();

  /** @throws Error when a label's name says that its values would have no bound */
  constructor(metric: string, declaration: LabelDeclaration = []) {
    const entries = Array.isArray(declaration) ? declaration.map((name) => [name]) : Object.entries(declaration);
    this.names = entries.map(([name]) => name as string);
    this.#seen = new Map(this.names.map((name) => [name, new Set<string>()]));
    for (const [name, allowed] of entries as [string, (readonly string[] | undefined)?][]) {
      if (UNBOUNDED.test(name)) throw new Error(`metric ${metric}: the values of label ${name} have no bound`);
      if (!allowed) continue;
      this.#closed.add(name);
      for (const value of allowed) this.#seen.get(name)?.add(value);
    }
  }

  /** The labels as they may be counted: a value that was not declared, or is one too many, becomes "other". */
  bound(labels: Labels = {}): Record<string, string> {
    const bounded: Record<string, string> = {};
    for (const name of this.names) bounded[name] = this.#value(name, String(labels[name] ?? ''));
    return bounded;
  }

  #value(name: string, value: string): string {
    const seen = this.#seen.get(name);
    if (!seen || seen.has(value)) return value;
    if (this.#closed.has(name) || seen.size >= MAX_VALUES) return OTHER;
    seen.add(value);
    return value;
  }
}
