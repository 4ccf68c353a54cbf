import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';

const NAME = 'clusters.postgresql.cnpg.io';

/**
 * What CloudNativePG takes as a Cluster, as JSON Schema: its own definition without descriptions and rules in other languages.
 * Unlike it, what is not known is refused, as the API server does with `--validate=strict`.
 */
export async function clusterSchema(chart: string): Promise<object> {
  const text = await readFile(join(chart, 'templates/crds/crds.yaml'), 'utf8');
  const plain = text
    .split('\n')
    .filter((line) => !line.includes('{{'))
    .join('\n');
  const definitions = parseAllDocuments(plain).map((document) => document.toJS());
  const definition = definitions.find((each) => each?.metadata?.name === NAME);
  const [version] = definition.spec.versions;
  return strict(version.schema.openAPIV3Schema) as object;
}

function strict(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(strict);
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) => !(key === 'description' && typeof value === 'string') && !key.startsWith('x-kubernetes-'),
  );
  const plain = Object.fromEntries(kept.map(([key, value]) => [key, strict(value)]));
  const isClosed =
    'properties' in schema && !('additionalProperties' in schema) && (schema as { type?: string }).type === 'object';
  const isAnything = 'x-kubernetes-preserve-unknown-fields' in schema;
  if ('x-kubernetes-int-or-string' in schema) return { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  return isClosed && !isAnything ? { ...plain, additionalProperties: false } : plain;
}
