import {
  type LocalEphemera,
  type LocalPresence,
  type LocalReceipt,
  type LocalTyping,
  partsOf,
} from '@ganglion/contracts';

/** More does not go well into one message. */
const AT_ONCE = 500;
/** Each may bring a status of a thousand characters. */
const PRESENCE_AT_ONCE = 100;
const NOTHING: LocalEphemera = { receipts: [], typing: [], presence: [] };

/** What of our users passes, on its way to other servers: whoever sends it there finds out to which. */
export class LeavingEphemera {
  constructor(private readonly broadcast: (ephemera: LocalEphemera) => void) {}

  receipts(receipts: readonly LocalReceipt[]): void {
    for (const part of partsOf(receipts, AT_ONCE)) this.broadcast({ ...NOTHING, receipts: part });
  }

  typing(typing: readonly LocalTyping[]): void {
    for (const part of partsOf(typing, AT_ONCE)) this.broadcast({ ...NOTHING, typing: part });
  }

  presence(presence: readonly LocalPresence[]): void {
    for (const part of partsOf(presence, PRESENCE_AT_ONCE)) this.broadcast({ ...NOTHING, presence: part });
  }
}
