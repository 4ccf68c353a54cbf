import { MatrixError } from '@ganglion/contracts';

/** A place in the order of everything: all positions up to this one have been seen. */
export type Position = number;

/** What a device has seen. */
export interface SyncToken {
  readonly position: Position;
  /** Of the messages that were sent to the device, those up to here: less where there were more than fit into an answer. */
  readonly messages: Position;
}

/** A position as clients carry it: opaque to them, valid at every replica. */
export function formatToken(position: Position): string {
  return `s${position}`;
}

/** As `formatToken`, while messages to the device are left: `s<position>_<messages>`. */
export function formatSyncToken({ position, messages }: SyncToken): string {
  return messages === position ? formatToken(position) : `${formatToken(position)}_${messages}`;
}

/** @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseSyncToken(token: string): SyncToken {
  const [, digits, behind] = /^s(\d{1,15})(?:_(\d{1,15}))?$/.exec(token) ?? [];
  const position = Number(digits);
  const messages = behind === undefined ? position : Number(behind);
  if (digits === undefined || messages > position) {
    throw new MatrixError(400, 'M_INVALID_PARAM', `${token.slice(0, 64)} is not a sync token`);
  }
  return { position, messages };
}

/** The position of a token. @throws MatrixError M_INVALID_PARAM for what is not one of our tokens */
export function parseToken(token: string): Position {
  return parseSyncToken(token).position;
}
