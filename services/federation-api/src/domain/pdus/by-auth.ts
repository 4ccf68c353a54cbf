import { authEventIds } from '@ganglion/protocol';
import type { VerifiedPdu } from './pdu-verifier.js';

/** What authorises an event before it. Circles, which no hash allows, are cut; chains may be as long as somebody likes. */
export function byAuth(pdus: readonly VerifiedPdu[]): VerifiedPdu[] {
  const byId = new Map(pdus.map((pdu) => [pdu.eventId, pdu]));
  const ordered: VerifiedPdu[] = [];
  const opened = new Set<string>();
  for (const start of byId.values()) {
    const stack = [{ pdu: start, auth: authEventIds(start.pdu), next: 0 }];
    if (opened.has(start.eventId)) continue;
    opened.add(start.eventId);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const id = top.auth[top.next++];
      if (id === undefined) {
        ordered.push(top.pdu);
        stack.pop();
        continue;
      }
      const before = byId.get(id);
      if (before === undefined || opened.has(id)) continue;
      opened.add(id);
      stack.push({ pdu: before, auth: authEventIds(before.pdu), next: 0 });
    }
  }
  return ordered;
}
