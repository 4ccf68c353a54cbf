import { z } from 'zod';
import type { ConfigPath } from './problems.js';
import { configSchema } from './schema.js';

/** The part of JSON Schema that describes a configuration. */
export interface JsonSchema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly [keyword: string]: unknown;
}

let schema: JsonSchema | undefined;

/** The JSON Schema of the configuration file, for editors and for our own walks over its keys. */
export function configJsonSchema(): JsonSchema {
  schema ??= { ...(z.toJSONSchema(configSchema, { io: 'input' }) as JsonSchema), title: 'Configuration of Ganglion' };
  return schema;
}

/** The schema of what stands at `path`; undefined when nothing may stand there. */
export function schemaAt(path: ConfigPath): JsonSchema | undefined {
  return path.reduce<JsonSchema | undefined>((parent, key) => childSchema(parent, key), configJsonSchema());
}

function childSchema(parent: JsonSchema | undefined, key: string | number): JsonSchema | undefined {
  if (typeof key === 'number') return parent?.items;
  const properties = parent?.properties;
  return properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
}
