import { KeyCountsDefinition, KeyLogDefinition, KeysForServersDefinition } from '@ganglion/contracts/keys';
import type { ServiceDescriptor } from '@ganglion/service';
import { keyServerSchema } from './storage/migrations.js';

/** What end-to-end encryption needs of a server: keys of devices and users, one-time keys, backups. */
export const service: ServiceDescriptor = {
  name: 'key-server',
  schema: keyServerSchema,
  offers: { keyCounts: KeyCountsDefinition, keyLog: KeyLogDefinition, keysForServers: KeysForServersDefinition },
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
