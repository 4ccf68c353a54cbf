import type { ConfigPath } from './problems.js';

type Mapping = Record<string, unknown>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `over` on top of `base`: mappings key by key, everything else replaced. */
export function merge(base: unknown, over: unknown): unknown {
  if (!isMapping(base) || !isMapping(over)) return over === undefined ? base : over;
  const merged: Mapping = { ...base };
  for (const [key, value] of Object.entries(over)) merged[key] = merge(base[key], value);
  return merged;
}

/** `root` with `value` at `path`; what lies on the way is made when it is missing. */
export function withValueAt(root: unknown, path: ConfigPath, value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof key === 'number') {
    const list = Array.isArray(root) ? [...root] : [];
    list[key] = withValueAt(list[key], rest, value);
    return Array.from(list, (entry) => entry ?? {});
  }
  const mapping = isMapping(root) ? root : {};
  return { ...mapping, [key]: withValueAt(mapping[key], rest, value) };
}

/** What stands at `path`, or undefined. */
export function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((parent, key) => {
    if (Array.isArray(parent)) return parent[Number(key)];
    return isMapping(parent) && Object.hasOwn(parent, key) ? parent[key] : undefined;
  }, root);
}
