import { readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { Finding } from './explain.js';
import { schemaAt } from './json-schema.js';
import { merge, valueAt, withValueAt } from './merge.js';
import type { ConfigPath } from './problems.js';
import type { Config, configSchema } from './schema.js';

/** Keys whose text may come from the file named by the same key with `_file` after it. */
const SECRETS: readonly ConfigPath[] = [
  ['database', 'url'],
  ['database', 'read_urls'],
  ['registration', 'shared_secret'],
];

/** Makes every `…_file`, `…_path` and `…_dir` absolute, seen from the folder of the configuration file. */
export function resolvePaths(value: unknown, base: string): unknown {
  if (Array.isArray(value)) return value.map((entry) => resolvePaths(entry, base));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => {
    const isPath = typeof inner === 'string' && inner !== '' && /_(?:file|path|dir)$/.test(key);
    return [key, isPath && !isAbsolute(inner) ? resolve(base, inner) : resolvePaths(inner, base)];
  });
  return Object.fromEntries(entries);
}

/** Puts the contents of the secrets' files in the secrets' places. */
export function readSecrets(input: unknown): { value: unknown; findings: Finding[] } {
  const findings: Finding[] = [];
  let value = input;
  for (const path of SECRETS) {
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

/** What the schema cannot say: which settings exclude or need each other. */
export function checkTogether(config: z.output<typeof configSchema>): Finding[] {
  const { database, bus, sync } = config;
  const findings: Finding[] = [];
  const refuse = (path: ConfigPath, message: string) => findings.push({ path, message });
  if (database.url !== undefined && database.embedded !== undefined) {
    refuse(['database', 'embedded'], 'give either url (or url_file) or embedded, not both');
  }
  if (database.url === undefined && database.read_urls !== undefined) {
    refuse(['database', 'read_urls'], 'needs url (or url_file): the embedded PostgreSQL has no replicas');
  }
  if ((bus.tls?.cert_file === undefined) !== (bus.tls?.key_file === undefined)) {
    refuse(['bus', 'tls'], 'give both cert_file and key_file, or neither');
  }
  if (sync.default_timeline_limit > sync.max_timeline_limit) {
    refuse(['sync', 'default_timeline_limit'], `expected at most max_timeline_limit (${sync.max_timeline_limit})`);
  }
  const names = config.server_names.map(({ name }) => name);
  names.forEach((name, i) => {
    if (names.indexOf(name) < i) refuse(['server_names', i, 'name'], `${name} is in the list twice`);
  });
  return findings;
}

/** Fills in the defaults that depend on other settings. */
export function complete(config: z.output<typeof configSchema>): Config {
  const { database } = config;
  const server_names = config.server_names.map((entry) => ({
    ...entry,
    signing_key_path: entry.signing_key_path ?? defaultSigningKeyPath(config.data_dir, entry.name),
  }));
  const embedded = database.url === undefined ? { embedded: database.embedded ?? {} } : {};
  return merge(config, { server_names, database: embedded }) as Config;
}

/** Server names may hold colons and brackets, which not every file system takes. */
function defaultSigningKeyPath(dataDir: string, name: string): string {
  return join(dataDir, 'keys', `${name.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.signing.key`);
}
