import {
  PolicyServersDefinition,
  RemoteQueriesDefinition,
  RemoteRoomsDefinition,
  ServerKeyRingDefinition,
} from '@ganglion/contracts/federation';
import type { ServiceDescriptor } from '@ganglion/service';
import { federationApiSchema } from './storage/migrations.js';

/** What other servers may ask of us, and what we ask of them. */
export const service: ServiceDescriptor = {
  name: 'federation-api',
  schema: federationApiSchema,
  offers: {
    serverKeyRing: ServerKeyRingDefinition,
    remoteRooms: RemoteRoomsDefinition,
    policyServers: PolicyServersDefinition,
    remoteQueries: RemoteQueriesDefinition,
  },
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
