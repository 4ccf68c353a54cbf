/** The wildcards that a pattern may hold: `*` is any run of characters, `?` exactly one. Others are plain characters. */
export type Wildcards = '*?' | '*' | '';

/** A pattern with more characters than this (stars not counted) matches nothing; no name or keyword comes near it. */
export const MAX_GLOB_CHARACTERS = 1024;

/** Long enough to reject nearly every text at native speed, short enough that the search itself stays linear. */
const NEEDLE_LENGTH = 32;

interface ParsedGlob {
  /** What each position asks for: a code point, or undefined for any one character. */
  readonly characters: readonly (number | undefined)[];
  /** Positions before which a `*` stands; the number of characters itself stands for a trailing one. */
  readonly stars: ReadonlySet<number>;
}

/**
 * A compiled glob. The pattern is run as a set of states packed into bits, all advanced at once for each character of
 * the text, so the cost is the length of the text times 1/32 of the length of the pattern: there is no backtracking.
 * Comparison is exact: fold both pattern and text with `foldCase` for a match that ignores case.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#glob-style-matching
 */
export class Glob {
  /** The text that is matched when the pattern has no wildcard. */
  readonly literal: string | undefined;
  readonly #tooLong: boolean;
  readonly #needle: string;
  readonly #length: number;
  readonly #loops: Uint32Array;
  readonly #wild: Uint32Array;
  readonly #masks = new Map<number, Uint32Array>();
  readonly #states: Uint32Array;

  constructor(pattern: string, wildcards: Wildcards = '*?') {
    const { characters, stars } = parseGlob(pattern, wildcards);
    const words = Math.ceil((characters.length + 1) / 32);
    this.#tooLong = characters.length > MAX_GLOB_CHARACTERS;
    this.literal = this.#tooLong || stars.size > 0 || characters.includes(undefined) ? undefined : pattern;
    this.#needle = longestLiteral(characters, stars);
    this.#length = characters.length;
    this.#loops = new Uint32Array(words);
    this.#wild = new Uint32Array(words);
    this.#states = new Uint32Array(words);
    if (!this.#tooLong) this.#fillMasks(characters, stars);
  }

  /** Whether the whole text matches. */
  matches(text: string): boolean {
    if (this.literal !== undefined) return text === this.literal;
    if (this.#tooLong || !text.includes(this.#needle)) return false;
    this.#states.fill(0);
    setBit(this.#states, 0);
    for (let index = 0; index < text.length; ) {
      const character = text.codePointAt(index) as number;
      if (!this.#advance(character)) return false;
      index += character > 0xffff ? 2 : 1;
    }
    return this.#accepts();
  }

  /**
   * Whether some part of the text matches that starts and ends at a word boundary: the ends of the text and both sides
   * of any character other than `A-Z`, `a-z`, `0-9` and `_`.
   */
  matchesWords(text: string): boolean {
    if (this.#tooLong || !text.includes(this.#needle)) return false;
    this.#states.fill(0);
    let wordBefore = false;
    for (let index = 0; index < text.length; ) {
      const character = text.codePointAt(index) as number;
      const word = isWordCharacter(character);
      if (!(wordBefore && word)) {
        setBit(this.#states, 0);
        if (this.#accepts()) return true;
      }
      this.#advance(character);
      wordBefore = word;
      index += character > 0xffff ? 2 : 1;
    }
    return this.#accepts() || this.#length === 0;
  }

  #advance(character: number): boolean {
    const mask = this.#masks.get(character) ?? this.#wild;
    const states = this.#states;
    let carry = 0;
    let alive = 0;
    for (let word = 0; word < states.length; word++) {
      const state = states[word] as number;
      const moved = state & (mask[word] as number);
      const next = (moved << 1) | carry | (state & (this.#loops[word] as number));
      states[word] = next;
      alive |= next;
      carry = moved >>> 31;
    }
    return alive !== 0;
  }

  #accepts(): boolean {
    return (((this.#states[this.#length >>> 5] as number) >>> (this.#length & 31)) & 1) === 1;
  }

  #fillMasks(characters: ParsedGlob['characters'], stars: ParsedGlob['stars']): void {
    for (const position of stars) setBit(this.#loops, position);
    characters.forEach((character, position) => {
      if (character === undefined) setBit(this.#wild, position);
    });
    characters.forEach((character, position) => {
      if (character === undefined) return;
      const mask = this.#masks.get(character) ?? this.#wild.slice();
      setBit(mask, position);
      this.#masks.set(character, mask);
    });
  }
}

/** Text in the form in which two spellings that differ by case only are equal, final sigma included. */
export function foldCase(text: string): string {
  return text.toLowerCase().replaceAll('ς', 'σ');
}

function parseGlob(pattern: string, wildcards: Wildcards): ParsedGlob {
  const characters: (number | undefined)[] = [];
  const stars = new Set<number>();
  for (const character of pattern) {
    const wild = wildcards.includes(character);
    if (wild && character === '*') stars.add(characters.length);
    else characters.push(wild ? undefined : character.codePointAt(0));
  }
  return { characters, stars };
}

/** The longest run of plain characters: a text without it cannot match. */
function longestLiteral(characters: ParsedGlob['characters'], stars: ParsedGlob['stars']): string {
  let longest = '';
  let run = '';
  characters.forEach((character, position) => {
    if (stars.has(position)) run = '';
    run = character === undefined ? '' : run + String.fromCodePoint(character);
    if (run.length > longest.length && run.length <= NEEDLE_LENGTH) longest = run;
  });
  return longest;
}

function setBit(bits: Uint32Array, position: number): void {
  bits[position >>> 5] = (bits[position >>> 5] as number) | (1 << (position & 31));
}

function isWordCharacter(character: number): boolean {
  return (
    (character >= 0x61 && character <= 0x7a) ||
    (character >= 0x41 && character <= 0x5a) ||
    (character >= 0x30 && character <= 0x39) ||
    character === 0x5f
  );
}
