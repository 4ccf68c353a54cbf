import type { JsonObject, RelatableEvent } from '../../src/index.js';

export const ALICE = '@alice:example.org';
export const BOB = '@bob:example.org';

/** A message of Alice's, unless the fields say otherwise. */
export function eventOf(event_id: string, fields: Partial<RelatableEvent> = {}): RelatableEvent {
  return {
    event_id,
    room_id: '!room:example.org',
    type: 'm.room.message',
    sender: ALICE,
    origin_server_ts: 1,
    content: { msgtype: 'm.text', body: 'hi' },
    ...fields,
  };
}

export function relating(rel_type: string, event_id: string, more: JsonObject = {}): JsonObject {
  return { body: 'hi', 'm.relates_to': { rel_type, event_id }, ...more };
}

export function editOf(original: string, event_id: string, fields: Partial<RelatableEvent> = {}): RelatableEvent {
  return eventOf(event_id, { content: relating('m.replace', original, { 'm.new_content': {} }), ...fields });
}

export function inThread(root: string, event_id: string, fields: Partial<RelatableEvent> = {}): RelatableEvent {
  return eventOf(event_id, { content: relating('m.thread', root), ...fields });
}
