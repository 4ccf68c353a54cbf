import { stringify } from 'yaml';
import { configJsonSchema, type JsonSchema } from './json-schema.js';

const HEAD = `# yaml-language-server: $schema=./config.schema.json
##
## Every setting of Ganglion.
##
## Lines that begin with "#" and no space show what is optional: the default where there is one, else an example.
## Paths are seen from the folder of this file.
## Each setting can also come from the environment, GANGLION_DATABASE__POOL_SIZE=50: two underscores go one level down,
## numbers index lists, and a value that is not text is written as in YAML.
## Check what you wrote: ganglion config check --config ganglion.yaml
`;

const WIDTH = 116;

/**
 * The annotated example, made from the schema, so that it can neither lag behind nor lie about a default.
 * Only what has to be set is active; every other key is commented out by one "#".
 */
export function configExample(): string {
  const { properties = {} } = configJsonSchema();
  const sections = Object.entries(properties).map(([key, schema]) =>
    renderKey(key, schema, 0, isRequired(key)).join('\n'),
  );
  return `${[HEAD.trimEnd(), ...sections].join('\n\n')}\n`;
}

function isRequired(key: string, parent: JsonSchema = configJsonSchema()): boolean {
  return parent.required?.includes(key) ?? false;
}

function renderKey(key: string, schema: JsonSchema, depth: number, active: boolean): string[] {
  const mark = active ? '' : '#';
  const indent = '  '.repeat(depth);
  const comment = wrap(schema.description ?? '', WIDTH - indent.length).map((line) => `${indent}## ${line}`);
  return [...comment, ...renderEntry(`${indent}${mark}${key}:`, schema, depth, active)];
}

function renderEntry(head: string, schema: JsonSchema, depth: number, active: boolean): string[] {
  if (schema.properties) return [head, ...renderKeys(schema, depth + 1, active)];
  if (schema.items?.properties)
    return [head, ...asListEntry(renderKeys(schema.items, depth + 2, active), depth + 1, active)];
  return [`${head} ${flow(schema.default ?? schema.examples?.[0])}`];
}

function renderKeys(schema: JsonSchema, depth: number, active: boolean): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    renderKey(key, child, depth, active && isRequired(key, schema)),
  );
}

/** Puts the dash of a list entry before its first key. */
function asListEntry(lines: string[], depth: number, active: boolean): string[] {
  const first = lines.findIndex((line) => !line.trimStart().startsWith('##'));
  const indent = '  '.repeat(depth);
  return lines.map((line, i) => (i === first ? line.replace(/^ *#?/, `${indent}${active ? '' : '#'}- `) : line));
}

function flow(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ').filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
