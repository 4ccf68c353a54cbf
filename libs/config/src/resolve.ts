import { isAbsolute, join, resolve } from 'node:path';
import type { z } from 'zod';
import { merge } from './merge.js';
import type { Config, configSchema } from './schema.js';

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

/** Fills in the defaults that depend on other settings. */
export function complete(config: z.output<typeof configSchema>): Config {
  const { database } = config;
  const server_names = config.server_names.map((entry) => ({
    ...entry,
    signing_key_path: entry.signing_key_path ?? defaultSigningKeyPath(config.data_dir, entry.name),
  }));
  const embedded = database.url === undefined ? { embedded: database.embedded ?? {} } : {};
  const media = { folder_dir: config.media.folder_dir ?? join(config.data_dir, 'media') };
  return merge(config, { server_names, database: embedded, media }) as Config;
}

/** Server names may hold colons and brackets, which not every file system takes. */
function defaultSigningKeyPath(dataDir: string, name: string): string {
  return join(dataDir, 'keys', `${name.replaceAll(/[^A-Za-z0-9.-]/g, '_')}.signing.key`);
}
