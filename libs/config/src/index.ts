export type {
  BusConfig,
  Config,
  ConfigInput,
  DatabaseConfig,
  FederationConfig,
  HttpConfig,
  PasswordsConfig,
  RateLimitConfig,
  RateLimitsConfig,
  RegistrationConfig,
  RoomsConfig,
  RpcConfig,
  ServerNameConfig,
  SessionsConfig,
  SyncConfig,
  TelemetryConfig,
} from './schema.js';
export { SERVICE_NAMES, type ServiceName } from './values.js';
