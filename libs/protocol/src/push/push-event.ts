import { parsePropertyPath, valueAtPath } from '../filter/property-path.js';
import { foldCase } from '../globs/glob.js';
import type { JsonObject, JsonValue } from '../json/json-value.js';
import { relationOf } from '../relations/relation.js';

/** A property of events that conditions look at, its path parsed once. */
export class PushEventKey {
  readonly path: string;
  readonly names: readonly string[];

  constructor(path: string) {
    this.path = path;
    this.names = parsePropertyPath(path);
  }
}

export const BODY = new PushEventKey('content.body');

/** An event that is evaluated for many users: what the conditions ask of it is worked out once. */
export class PushEvent {
  readonly #event: JsonObject;
  readonly #folded = new Map<string, string | undefined>();
  readonly #elements = new Map<string, ReadonlySet<JsonValue> | undefined>();

  constructor(event: JsonObject) {
    this.#event = event;
  }

  /** The event that the thread begins with which this one is in. */
  get threadRoot(): string | undefined {
    const relation = relationOf(this.#event.content);
    return relation?.relType === 'm.thread' ? relation.eventId : undefined;
  }

  value(key: PushEventKey): JsonValue | undefined {
    return valueAtPath(this.#event, key.names);
  }

  /** The property in the form that ignores case, or undefined where it is not a string. */
  foldedText(key: PushEventKey): string | undefined {
    return remember(this.#folded, key.path, () => {
      const value = this.value(key);
      return typeof value === 'string' ? foldCase(value) : undefined;
    });
  }

  /** The elements of the property, or undefined where it is not an array. */
  elements(key: PushEventKey): ReadonlySet<JsonValue> | undefined {
    return remember(this.#elements, key.path, () => {
      const value = this.value(key);
      return Array.isArray(value) ? new Set<JsonValue>(value) : undefined;
    });
  }
}

function remember<T>(known: Map<string, T>, path: string, workOut: () => T): T {
  if (!known.has(path)) known.set(path, workOut());
  return known.get(path) as T;
}
