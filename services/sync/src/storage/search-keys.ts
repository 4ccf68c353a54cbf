import type { SearchKey } from '../domain/ports/search-model.js';

const KEYS: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];

/** How a key stands in tables. */
export function keyNumber(key: SearchKey): number {
  return KEYS.indexOf(key);
}
