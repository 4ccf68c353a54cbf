import { MatrixError } from '@ganglion/contracts';

/** A place in the order of everything: all positions up to this one have been seen. */
export type Position = number;

/** A position as clients carry it: opaque to them, valid at every replica. */
export function formatToken(position: Position): string {
  return `s${position}`;
}

/** @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseToken(token: string): Position {
  const digits = /^s(\d{1,15})$/.exec(token)?.[1];
  if (digits === undefined) throw new MatrixError(400, 'M_INVALID_PARAM', `${token.slice(0, 64)} is not a sync token`);
  return Number(digits);
}
