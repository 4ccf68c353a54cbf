export { developmentConfig, developmentConfigText } from './development.js';
export { CONFIG_FILE_VARIABLE } from './environment.js';
export { configExample } from './example.js';
export { configJsonSchema } from './json-schema.js';
export { type LoadOptions, loadConfig, parseConfig } from './load.js';
export { ConfigError, type ConfigProblem } from './problems.js';
export type { Config, ConfigInput, ServerNameConfig } from './schema.js';
export { CALLED_SERVICES, SERVICE_NAMES, type ServiceName } from './services.js';
