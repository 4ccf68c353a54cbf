import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';

/** What `m.space.child` and `m.space.parent` share: the room that they point to, and how to get there. */
export interface SpaceLink {
  readonly roomId: string;
  readonly via: readonly string[];
  readonly originServerTs: number;
  readonly content: JsonObject;
}

/** Reads a state event that links a room to a space; undefined where it is malformed or its `via` holds no server. */
export function parseSpaceLink(type: string, event: unknown): SpaceLink | undefined {
  if (!isJsonObject(event) || event.type !== type) return undefined;
  const { state_key: roomId, origin_server_ts: originServerTs, content } = event;
  if (typeof roomId !== 'string' || !roomId.startsWith('!') || !isJsonObject(content)) return undefined;
  if (typeof originServerTs !== 'number' || !Number.isSafeInteger(originServerTs)) return undefined;
  return isVia(content.via) ? { roomId, via: content.via, originServerTs, content } : undefined;
}

function isVia(via: JsonValue | undefined): via is readonly string[] {
  return Array.isArray(via) && via.length > 0 && via.every((server) => typeof server === 'string' && server !== '');
}
