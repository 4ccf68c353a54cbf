import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { ConfigError, type ConfigPath } from './problems.js';

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A parsed YAML file that remembers where each of its values stands. */
export interface Source {
  readonly file: string;
  readonly value: Record<string, unknown>;
  /** Where the key at `path` stands, or the nearest one around it that the file has. */
  locate(path: ConfigPath): Place;
}

/** A source for when there is no file. */
export const emptySource: Source = {
  file: '(no configuration file)',
  value: {},
  locate: () => ({ line: 1, column: 1 }),
};

/**
 * Parses YAML.
 *
 * @throws ConfigError when it is not YAML, or not a mapping
 */
export function parseSource(text: string, file: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const refuse = (offset: number, message: string) =>
    new ConfigError([{ source: file, ...place(offset), path: '', message }]);

  const [error] = document.errors;
  if (error) throw refuse(error.pos[0], `not YAML: ${error.message}`);
  const root = document.contents;
  if (root !== null && !isMap(root) && !(isScalar(root) && root.value === null)) {
    throw refuse(root.range[0], 'expected a mapping of keys to values at the top level');
  }
  const value = withoutNulls(toValue(() => document.toJS({ maxAliasCount: 100 }), refuse)) ?? {};
  return { file, value: value as Record<string, unknown>, locate: (path) => place(offsetOf(root, path, document)) };
}

function toValue(convert: () => unknown, refuse: (offset: number, message: string) => ConfigError): unknown {
  try {
    return convert();
  } catch (error) {
    throw refuse(0, `not YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A key without a value is as good as absent: somebody commented out all that was below it. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutNulls(inner)]));
}

function offsetOf(root: Node | null, path: ConfigPath, document: Parameters<typeof isNode>[0] & object): number {
  let offset = 0;
  let node: unknown = root;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document as never);
    if (isMap(node)) {
      const pair = node.items.find((item: Pair) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
