import type { Statement } from './statement.js';

/** Puts the values of a statement's next parameters at the end of the list, read from its input. */
type Fill = (input: never, values: unknown[]) => void;

/** A statement in the making: hands out the numbers of its parameters. */
export class Draft {
  readonly fills: Fill[] = [];
  readonly #first = new Map<unknown, number>();
  #count = 0;

  /** The number of the first of these parameters; a piece that is used again gets the numbers that it has. */
  number(piece: unknown, count: number, fill: Fill): number {
    const known = this.#first.get(piece);
    if (known !== undefined) return known;
    const first = this.#count + 1;
    this.#first.set(piece, first);
    this.#count += count;
    this.fills.push(fill);
    return first;
  }
}

/** A piece of SQL with its parameters, which are read from an input of this type whenever a statement is filled. */
export interface Fragment<in Input> {
  readonly write: (draft: Draft) => string;
  /** Never set: it tells the type of the input. */
  readonly input?: (input: Input) => void;
}

/** What may stand in `${…}`: a piece of SQL, or a parameter as a function of the input. Never a bare text. */
type Piece<Input> = Fragment<Input> | ((input: Input) => unknown);

/**
 * A piece of SQL: `sql<Pusher>\`… WHERE user_id = ${(p) => p.userId}\``. Its parameters get their numbers when it becomes
 * a part of a statement; the same function in two places is one parameter. What PostgreSQL cannot infer the type of is
 * cast: `${(p) => p.userIds}::text[]`.
 */
export function sql<Input = unknown>(strings: TemplateStringsArray, ...pieces: Piece<Input>[]): Fragment<Input> {
  const write = (draft: Draft) =>
    strings.reduce((text, part, index) => `${text}${writePiece(pieces[index - 1]!, draft)}${part}`);
  return { write };
}

/** A piece of SQL without parameters that the program has put together. */
export function raw(text: string): Fragment<unknown> {
  return { write: () => text };
}

function writePiece<Input>(piece: Piece<Input>, draft: Draft): string {
  if (typeof piece !== 'function') return piece.write(draft);
  return `$${draft.number(piece, 1, (input, values) => values.push(piece(input)))}`;
}

/** Fills a statement with an input; one that has no parameters takes none. */
export type Filled<Input> = (...input: unknown extends Input ? [] : [input: Input]) => Statement;

/**
 * A statement that is written once and filled for every use, so that its text is always the same: it is prepared once per
 * connection under its name.
 */
export function statement<Input>(name: string, { write }: Fragment<Input>): Filled<Input> {
  const draft = new Draft();
  const text = write(draft);
  return (...[input]) => {
    const values: unknown[] = [];
    for (const fill of draft.fills) fill(input as never, values);
    return { name, text, values };
  };
}
