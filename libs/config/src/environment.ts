import { parse } from 'yaml';
import { configJsonSchema, type JsonSchema } from './json-schema.js';
import type { ConfigPath, ConfigProblem } from './problems.js';
import { suggestion } from './suggestion.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** One setting that an environment variable makes. */
export interface Override {
  readonly variable: string;
  readonly path: ConfigPath;
  readonly value: unknown;
}

const PREFIX = 'GANGLION_';
/** Names the file itself. */
export const CONFIG_FILE_VARIABLE = 'GANGLION_CONFIG';
/** Kubernetes puts the address of a Service called ganglion-… into variables of these names. */
const SERVICE_LINK =
  /^GANGLION_(?:[A-Z0-9]+_)*(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP).*)?)$/;

/**
 * Reads the settings made by the environment: `GANGLION_DATABASE__POOL_SIZE=50`, `GANGLION_SERVER_NAMES__0__NAME=a.org`.
 * Two underscores go one level down, numbers index lists, and a value that is not text is written as in YAML.
 */
export function readEnvironment(env: Environment): { overrides: Override[]; problems: ConfigProblem[] } {
  const overrides: Override[] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(env).sort(byName)) {
    if (text === undefined || !isSetting(variable)) continue;
    const target = resolveName(variable.slice(PREFIX.length).toLowerCase().split('__'));
    if ('message' in target) problems.push({ source: `environment variable ${variable}`, path: '', ...target });
    else overrides.push({ variable, path: target.path, value: readValue(text, target.schema) });
  }
  return { overrides, problems };
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

function isSetting(variable: string): boolean {
  return (
    variable.startsWith(PREFIX) &&
    variable !== CONFIG_FILE_VARIABLE &&
    !variable.startsWith('GANGLION_TEST_') &&
    !SERVICE_LINK.test(variable)
  );
}

type Target = { path: ConfigPath; schema: JsonSchema } | { message: string };

function resolveName(segments: readonly string[]): Target {
  const path: (string | number)[] = [];
  let schema = configJsonSchema();
  for (const segment of segments) {
    const child = resolveSegment(schema, segment);
    if ('message' in child) return child;
    path.push(child.key);
    schema = child.schema;
  }
  return { path, schema };
}

function resolveSegment(
  schema: JsonSchema,
  segment: string,
): { key: string | number; schema: JsonSchema } | { message: string } {
  if (schema.items) {
    if (/^\d{1,3}$/.test(segment)) return { key: Number(segment), schema: schema.items };
    return { message: `found ${segment.toUpperCase()}, expected the index of a list entry, from 0` };
  }
  const children = Object.entries(schema.properties ?? {});
  const child = children.find(([key]) => variableName(key) === segment.toUpperCase());
  if (child) return { key: child[0], schema: child[1] };
  const names = children.map(([key]) => variableName(key));
  return { message: `no such setting: ${segment.toUpperCase()}${suggestion(segment, names)}` };
}

function variableName(key: string): string {
  return key.replaceAll('-', '_').toUpperCase();
}

function readValue(text: string, schema: JsonSchema): unknown {
  if (schema.type === 'string') return text;
  try {
    return parse(text);
  } catch {
    return text;
  }
}
