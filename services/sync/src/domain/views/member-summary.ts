/** After whom a room without a name is called. */
export interface Heroes {
  /** Joined and invited users who came first, one more than are shown, as nobody is their own hero. */
  readonly present: readonly string[];
  /** Users who have left or were banned, for rooms that nobody else is in. */
  readonly gone: readonly string[];
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync (RoomSummary) */
const MAX_HEROES = 5;

/** As many as have to be known so that nobody is shown themselves. */
export const KNOWN_HEROES = MAX_HEROES + 1;

/** The heroes that one user is shown. */
export function heroesFor({ present, gone }: Heroes, userId: string): string[] {
  const others = present.filter((hero) => hero !== userId);
  const shown = others.length > 0 ? others : gone.filter((hero) => hero !== userId);
  return shown.slice(0, MAX_HEROES);
}
