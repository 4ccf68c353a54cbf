import { jsonCodec, ProtocolError, type StrippedStateEvent, strippedState } from '@ganglion/protocol';

/** Stripped state as another server has told it, a JSON array: what is none of its events is left out. */
export function readStrippedState(json: string): StrippedStateEvent[] {
  const told = parse(json);
  return Array.isArray(told) ? told.flatMap(readEvent) : [];
}

function parse(json: string): unknown {
  try {
    return jsonCodec(json).parse(json);
  } catch {
    return undefined;
  }
}

function readEvent(event: unknown): StrippedStateEvent[] {
  try {
    return [strippedState(event)];
  } catch (error) {
    if (error instanceof ProtocolError) return [];
    throw error;
  }
}
