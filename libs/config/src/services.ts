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
