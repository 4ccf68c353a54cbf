import { type LocalEphemera, type LocalReceipt, type LocalTyping, partsOf } from '@ganglion/contracts';

/** More does not go well into one message. */
const AT_ONCE = 500;

/** What of our users passes, on its way to other servers: whoever sends it there finds out to which. */
export class LeavingEphemera {
  constructor(private readonly broadcast: (ephemera: LocalEphemera) => void) {}

  receipts(receipts: readonly LocalReceipt[]): void {
    for (const part of partsOf(receipts, AT_ONCE)) this.broadcast({ receipts: part, typing: [] });
  }

  typing(typing: readonly LocalTyping[]): void {
    for (const part of partsOf(typing, AT_ONCE)) this.broadcast({ receipts: [], typing: part });
  }
}
