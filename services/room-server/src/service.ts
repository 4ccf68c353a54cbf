import {
  DelayedEventsDefinition,
  RoomBlocksDefinition,
  RoomDirectoryDefinition,
  RoomFederationDefinition,
  RoomIntakeDefinition,
  RoomLogDefinition,
  RoomPurgesDefinition,
  RoomReadsDefinition,
  RoomSummariesDefinition,
  RoomsDefinition,
} from '@ganglion/contracts/room';
import type { ServiceDescriptor } from '@ganglion/service';
import { roomServerSchema } from './storage/migrations.js';

/** The truth of every room. */
export const service: ServiceDescriptor = {
  name: 'room-server',
  schema: roomServerSchema,
  offers: {
    rooms: RoomsDefinition,
    roomReads: RoomReadsDefinition,
    roomDirectory: RoomDirectoryDefinition,
    roomLog: RoomLogDefinition,
    roomIntake: RoomIntakeDefinition,
    roomFederation: RoomFederationDefinition,
    roomSummaries: RoomSummariesDefinition,
    roomPurges: RoomPurgesDefinition,
    roomBlocks: RoomBlocksDefinition,
    delayedEvents: DelayedEventsDefinition,
  },
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
