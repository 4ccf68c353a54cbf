import { isJsonObject } from '@ganglion/protocol';
import { contentText, type EventText } from '../event-text.js';
import type { SearchKey } from '../ports/search-model.js';

/** What is kept of one event: longer ones are documents. */
const MAX_CHARACTERS = 20_000;

/** What words an event can be found by; undefined for most events. An edit is found by what it makes of its event. */
export function searchableText(text: EventText): { readonly key: SearchKey; readonly words: string } | undefined {
  const content = JSON.parse(contentText(text)) as Record<string, unknown>;
  if (text.type === 'm.room.message') return worded('content.body', newContentOf(content).body);
  if (text.stateKey !== '') return undefined;
  if (text.type === 'm.room.name') return worded('content.name', content.name);
  return text.type === 'm.room.topic' ? worded('content.topic', content.topic) : undefined;
}

function newContentOf(content: Record<string, unknown>): Record<string, unknown> {
  const { 'm.relates_to': relation, 'm.new_content': edited } = content;
  const isEdit = isJsonObject(relation) && relation.rel_type === 'm.replace';
  return isEdit && isJsonObject(edited) ? edited : content;
}

function worded(key: SearchKey, value: unknown) {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  return { key, words: value.slice(0, MAX_CHARACTERS).replaceAll('\0', ' ') };
}
