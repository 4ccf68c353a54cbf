import {
  LeavingDeviceMessagesDefinition,
  RemoteEphemeralDefinition,
  RoomTracesDefinition,
} from '@ganglion/contracts/sync';
import type { ServiceDescriptor } from '@ganglion/service';
import { syncSchema } from './storage/migrations.js';

/** The read model of rooms, and what clients read of it. */
export const service: ServiceDescriptor = {
  name: 'sync',
  schema: syncSchema,
  offers: {
    remoteEphemeral: RemoteEphemeralDefinition,
    leavingDeviceMessages: LeavingDeviceMessagesDefinition,
    roomTraces: RoomTracesDefinition,
  },
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
