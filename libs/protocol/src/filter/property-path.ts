import { isJsonObject, type JsonValue } from '../json/json-value.js';

/**
 * Splits a dot-separated path into the names of the properties on the way: `content.m\.relates_to` is `content` and
 * `m.relates_to`. A backslash escapes a dot or a backslash; before anything else it is plain text.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
export function parsePropertyPath(path: string): string[] {
  const names: string[] = [];
  let name = '';
  for (let index = 0; index < path.length; index++) {
    const character = path[index] as string;
    const next = path[index + 1];
    if (character === '\\' && (next === '.' || next === '\\')) {
      name += next;
      index++;
    } else if (character === '.') {
      names.push(name);
      name = '';
    } else {
      name += character;
    }
  }
  names.push(name);
  return names;
}

/**
 * The value at the end of a path, or undefined where a property on the way is absent or not an object.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#dot-separated-property-paths
 */
export function valueAtPath(root: unknown, names: readonly string[]): JsonValue | undefined {
  let value = root as JsonValue | undefined;
  for (const name of names) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
