import { configExample, configJsonSchema } from '@ganglion/config';
import { type ConfigOption, loadCliConfig } from '../config-file.js';
import type { CliContext } from '../context.js';

/** Loads the configuration, with the environment and the secrets, and does nothing else. */
export function checkConfig(options: ConfigOption, context: CliContext): void {
  const { path, config } = loadCliConfig(options, context);
  const names = config.server_names.map(({ name }) => name).join(', ');
  context.out(`${path ?? 'The environment'} is a correct configuration, for ${names}.\n`);
}

export function printConfigExample(context: CliContext): void {
  context.out(configExample());
}

export function printConfigSchema(context: CliContext): void {
  context.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
