/** The services one deployment is made of, under the names that the configuration, the CLI and the logs use. */
export const SERVICE_NAMES = [
  'client-api',
  'federation-api',
  'room-server',
  'sync',
  'key-server',
  'media',
  'push',
  'user-server',
] as const;

export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Those that others ask by RPC, and so have to find; `offers` of their descriptors is not empty. */
export const CALLED_SERVICES = [
  'federation-api',
  'room-server',
  'sync',
  'key-server',
  'user-server',
] as const satisfies readonly ServiceName[];

export type CalledService = (typeof CALLED_SERVICES)[number];
