import { z } from 'zod';
import {
  busSection,
  databaseSection,
  httpSection,
  passwordsSection,
  rateLimitsSection,
  registrationSection,
  roomsSection,
  rpcSection,
  serverNameSection,
  sessionsSection,
  syncSection,
  telemetrySection,
} from './sections.js';
import { path } from './values.js';

/** The shape of the configuration file. Keys that are not in it are refused. */
export const configSchema = z.strictObject({
  server_names: z
    .array(serverNameSection)
    .min(1)
    .describe('The server names that this deployment hosts. Every user belongs to one of them.'),
  data_dir: path.default('data').describe('Keys, the embedded PostgreSQL and whatever else is kept in files.'),
  database: databaseSection,
  bus: busSection,
  rpc: rpcSection,
  http: httpSection,
  registration: registrationSection,
  passwords: passwordsSection,
  sessions: sessionsSection,
  rooms: roomsSection,
  sync: syncSection,
  rate_limits: rateLimitsSection,
  telemetry: telemetrySection,
});

type Parsed = z.output<typeof configSchema>;

/** One hosted server name; its signing key's place is always known. */
export type ServerNameConfig = Parsed['server_names'][number] & { signing_key_path: string };

/**
 * The configuration of a deployment, complete: defaults filled in, every path absolute, secrets read from their files.
 * Exactly one of `database.url` and `database.embedded` is set.
 */
export type Config = Omit<Parsed, 'server_names'> & { server_names: [ServerNameConfig, ...ServerNameConfig[]] };

/** What a configuration file, or code that stands in for one, may say. */
export type ConfigInput = z.input<typeof configSchema>;

export type DatabaseConfig = Config['database'];
export type BusConfig = Config['bus'];
export type RpcConfig = Config['rpc'];
export type HttpConfig = Config['http'];
export type RegistrationConfig = Config['registration'];
export type PasswordsConfig = Config['passwords'];
export type SessionsConfig = Config['sessions'];
export type RoomsConfig = Config['rooms'];
export type SyncConfig = Config['sync'];
export type RateLimitsConfig = Config['rate_limits'];
export type RateLimitConfig = RateLimitsConfig['message'];
export type TelemetryConfig = Config['telemetry'];
