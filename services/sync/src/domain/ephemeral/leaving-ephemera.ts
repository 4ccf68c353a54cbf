import type { LocalEphemera, LocalReceipt, LocalTyping } from '@ganglion/contracts';

/** More does not go well into one message. */
const AT_ONCE = 500;

/** What of our users passes, on its way to other servers: whoever sends it there finds out to which. */
export class LeavingEphemera {
  constructor(private readonly broadcast: (ephemera: LocalEphemera) => void) {}

  receipts(receipts: readonly LocalReceipt[]): void {
    for (const part of parts(receipts)) this.broadcast({ receipts: part, typing: [] });
  }

  typing(typing: readonly LocalTyping[]): void {
    for (const part of parts(typing)) this.broadcast({ receipts: [], typing: part });
  }
}

function parts<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / AT_ONCE);
  return Array.from({ length: count }, (_, part) => items.slice(part * AT_ONCE, (part + 1) * AT_ONCE));
}
