import { makeMissingSigningKeys, newSigningKeyLine } from '../../signing-key-file.js';
import { type ConfigOption, loadCliConfig } from '../config-file.js';
import type { CliContext } from '../context.js';

export interface SigningKeyOptions extends ConfigOption {
  /** Write one key to the standard output, whatever the configuration. */
  readonly print?: boolean;
}

/** Makes a signing key for each server name of the configuration that has none. */
export async function generateSigningKeys(options: SigningKeyOptions, context: CliContext): Promise<void> {
  if (options.print) return context.out(await newSigningKeyLine());
  const { config } = loadCliConfig(options, context);
  const made = await makeMissingSigningKeys(config.server_names);
  for (const { name, signing_key_path } of config.server_names) {
    const isNew = made.some((entry) => entry.name === name);
    context.out(`${name}: ${isNew ? 'made' : 'kept'} ${signing_key_path}\n`);
  }
}
