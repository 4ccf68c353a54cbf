import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import { copyNumberLiterals } from '../json/number-literals.js';
import { parsePropertyPath } from './property-path.js';

/** Below this depth a property is kept whole; a server may always include more than was asked for. */
const MAX_DEPTH = 32;

/** The properties to keep, by name; those of an inner object, or undefined to keep a property whole. */
export interface EventFields extends ReadonlyMap<string, EventFields | undefined> {}

type FieldTree = Map<string, FieldTree | undefined>;

/**
 * Makes the paths of `event_fields` ready for `applyEventFields`.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export function compileEventFields(paths: readonly string[]): EventFields {
  const root: FieldTree = new Map();
  for (const path of paths) addPath(root, parsePropertyPath(path).slice(0, MAX_DEPTH));
  return root;
}

/**
 * The event with only the properties that `event_fields` names; paths that the event does not have are left out.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export function applyEventFields(event: JsonObject, fields: EventFields): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const [name, inner] of fields) {
    const value = Object.hasOwn(event, name) ? event[name] : undefined;
    if (value === undefined) continue;
    if (inner === undefined) entries.push([name, value]);
    else if (isJsonObject(value)) entries.push([name, applyEventFields(value, inner)]);
  }
  return copyNumberLiterals(event, Object.fromEntries(entries));
}

function addPath(root: FieldTree, names: readonly string[]): void {
  const last = names.length - 1;
  let tree = root;
  for (const name of names.slice(0, last)) {
    if (tree.has(name) && tree.get(name) === undefined) return;
    const inner: FieldTree = tree.get(name) ?? new Map();
    tree.set(name, inner);
    tree = inner;
  }
  tree.set(names[last] as string, undefined);
}
