import type { FoundEvent } from './found-events.js';

const MAX_HIGHLIGHTS = 20;

/** What to highlight: words are found as they are written. */
export function highlightsOf(term: string): string[] {
  const words = term.toLowerCase().split(/[^\p{L}\p{N}_]+/u);
  return [...new Set(words.filter((word) => word !== ''))].slice(0, MAX_HIGHLIGHTS);
}

/** By key, then by its value: which of the results, and where the group stands among the others. */
export function groupsOf(groupBy: readonly ('room_id' | 'sender')[], found: readonly FoundEvent[]) {
  return Object.fromEntries(
    groupBy.map((key) => {
      const groups = Map.groupBy(found, ({ event, access }) =>
        key === 'room_id' ? access.room.roomId : event.text.sender,
      );
      const told = [...groups].map(([value, members], order) => {
        return [value, { order: order + 1, results: members.map(({ event }) => event.text.eventId) }] as const;
      });
      return [key, Object.fromEntries(told)];
    }),
  );
}
