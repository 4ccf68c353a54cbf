import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';

/**
 * A property of what ought to be an object but may be anything. Only own properties count: an event type or a user id
 * called "constructor" must not find what every JavaScript object inherits.
 */
export function ownProperty(value: unknown, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Whether an object has a property at all, be it null. */
export function hasProperty(value: unknown, key: string): boolean {
  return ownProperty(value, key) !== undefined;
}

/** The property when it is an object, or an empty object. */
export function objectProperty(value: unknown, key: string): JsonObject {
  const property = ownProperty(value, key);
  return isJsonObject(property) ? property : {};
}

/** The property when it is a string. */
export function stringProperty(value: unknown, key: string): string | undefined {
  const property = ownProperty(value, key);
  return typeof property === 'string' ? property : undefined;
}
