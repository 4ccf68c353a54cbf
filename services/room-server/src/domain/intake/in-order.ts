import type { Incoming } from './examine.js';

/** Events in an order in which each comes after those of them that it names. Circles, which no hash allows, are cut. */
export function inOrder(incoming: Iterable<Incoming>): Incoming[] {
  const byId = new Map<string, Incoming>();
  for (const each of incoming) if (!byId.has(each.eventId)) byId.set(each.eventId, each);
  const ordered: Incoming[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const start of byId.values()) {
    // Not by recursion: a chain may be as long as somebody likes.
    const stack = [start];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const { eventId, prevIds, authIds } = top;
      const next = state.has(eventId)
        ? undefined
        : [...prevIds, ...authIds].find((id) => byId.has(id) && !state.has(id));
      if (next === undefined || state.get(eventId) === 'done') {
        stack.pop();
        if (state.get(eventId) !== 'done') ordered.push(top);
        state.set(eventId, 'done');
        continue;
      }
      state.set(eventId, 'open');
      for (const id of [...prevIds, ...authIds]) {
        const before = byId.get(id);
        if (before !== undefined && !state.has(id)) stack.push(before);
      }
    }
  }
  return ordered;
}
