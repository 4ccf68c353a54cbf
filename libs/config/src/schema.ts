import { z } from 'zod';
import { sections } from './sections/index.js';
import { serverNames } from './sections/server-names.js';
import { path } from './values.js';

/** The shape of the configuration file. Keys that are not in it are refused. */
export const configSchema = z.strictObject({
  server_names: serverNames,
  data_dir: path.default('data').describe('Keys, the embedded PostgreSQL and whatever else is kept in files.'),
  ...sections,
});

type Parsed = z.output<typeof configSchema>;

/** One hosted server name; its signing key's place is always known. */
export type ServerNameConfig = Parsed['server_names'][number] & { signing_key_path: string };

/**
 * The configuration of a deployment, complete: defaults filled in, every path absolute, secrets read from their files.
 * Exactly one of `database.url` and `database.embedded` is set.
 */
export type Config = Omit<Parsed, 'server_names' | 'media'> & {
  server_names: [ServerNameConfig, ...ServerNameConfig[]];
  media: Parsed['media'] & { folder_dir: string };
};

/** What a configuration file, or code that stands in for one, may say. */
export type ConfigInput = z.input<typeof configSchema>;
