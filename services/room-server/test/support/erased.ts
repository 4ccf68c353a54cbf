/** Where no user of ours was ever erased. */
export const NOBODY_ERASED = { known: () => Promise.resolve(new Set<string>()) };
