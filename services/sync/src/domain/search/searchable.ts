import { isJsonObject, relationOf } from '@ganglion/protocol';
import { contentText, type EventText } from '../event-text.js';
import type { SearchKey } from '../ports/search-model.js';

/** What is kept of one event: longer ones are documents. */
const MAX_CHARACTERS = 20_000;

const SEARCHABLE = new Set(['m.room.message', 'm.room.name', 'm.room.topic']);

/** Whether no event of a type has words that it could be found by, as what is encrypted has none. */
export function isWordless(type: string): boolean {
  return !SEARCHABLE.has(type);
}

/** What words an event can be found by; undefined for most events, and for edits: these change what they edit. */
export function searchableText(text: EventText): { readonly key: SearchKey; readonly words: string } | undefined {
  const content = contentOf(text);
  if (text.type === 'm.room.message') {
    return editedBy(text) === undefined ? worded('content.body', content.body) : undefined;
  }
  if (text.stateKey !== '') return undefined;
  if (text.type === 'm.room.name') return worded('content.name', content.name);
  return text.type === 'm.room.topic' ? worded('content.topic', content.topic) : undefined;
}

/** The id of the event that an event edits, or would if it were its sender's. */
export function editedBy(text: EventText): string | undefined {
  if (text.type !== 'm.room.message' || text.stateKey !== undefined) return undefined;
  const relation = relationOf(contentOf(text));
  return relation?.relType === 'm.replace' ? relation.eventId : undefined;
}

/** What an edit makes of its event; undefined where it says nothing. */
export function editedText(edit: EventText) {
  const { 'm.new_content': content } = contentOf(edit);
  return isJsonObject(content) ? worded('content.body', content.body) : undefined;
}

function contentOf(text: EventText): Record<string, unknown> {
  return JSON.parse(contentText(text)) as Record<string, unknown>;
}

function worded(key: SearchKey, value: unknown) {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return { key, words: value.slice(0, MAX_CHARACTERS).replaceAll('\0', ' ') };
}
