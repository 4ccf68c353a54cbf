import { Glob, type Wildcards } from './glob.js';

/** Patterns of which any may match. Those without wildcards cost one look-up, however many they are. */
export class GlobSet {
  readonly #literals = new Set<string>();
  readonly #globs: Glob[] = [];

  constructor(patterns: Iterable<string>, wildcards: Wildcards = '*?') {
    for (const pattern of patterns) {
      const glob = new Glob(pattern, wildcards);
      if (glob.literal === undefined) this.#globs.push(glob);
      else this.#literals.add(glob.literal);
    }
  }

  /** Whether one of the patterns matches the whole text. */
  has(text: string): boolean {
    return this.#literals.has(text) || this.#globs.some((glob) => glob.matches(text));
  }
}
