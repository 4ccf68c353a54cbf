import { readFileSync } from 'node:fs';
import type { Finding } from './explain.js';
import { configJsonSchema, type JsonSchema, schemaAt } from './json-schema.js';
import { valueAt, withValueAt } from './merge.js';
import type { ConfigPath } from './problems.js';

/** A setting is a secret when its text may come from the file that the same key with `_file` after it names. */
export function isSecret(path: ConfigPath): boolean {
  const last = path.findLastIndex((key) => typeof key === 'string');
  return schemaAt(path.slice(0, last))?.properties?.[`${path[last]}_file`] !== undefined;
}

function secretPaths({ properties = {} }: JsonSchema, parent: ConfigPath = []): ConfigPath[] {
  return Object.entries(properties).flatMap(([key, schema]) => {
    const path = [...parent, key];
    return isSecret(path) ? [path] : secretPaths(schema, path);
  });
}

/** Puts the contents of the secrets' files in the secrets' places. */
export function readSecrets(input: unknown): { value: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  let value = input;
  for (const path of secretPaths(configJsonSchema())) {
    const filePath = [...path.slice(0, -1), `${path.at(-1)}_file`];
    const file = valueAt(input, filePath);
    if (typeof file !== 'string' || file === '') continue;
    if (valueAt(input, path) !== undefined) {
      findings.push({ path: filePath, message: `give either ${path.at(-1)} or ${filePath.at(-1)}, not both` });
      continue;
    }
    try {
      value = withValueAt(value, path, contents(path, readFileSync(file, 'utf8')));
    } catch (error) {
      findings.push({ path: filePath, message: `cannot be read: ${(error as Error).message}` });
    }
  }
  return { value, findings };
}

/** The file of a list has an entry a line. */
function contents(path: ConfigPath, text: string): string | string[] {
  if (schemaAt(path)?.type !== 'array') return text.trim();
  return text.split('\n').flatMap((line) => line.trim() || []);
}
