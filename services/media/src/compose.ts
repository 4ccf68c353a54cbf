import { type ServerKeyRing, ServerKeyRingDefinition } from '@ganglion/contracts/federation';
import { type RoomLog, RoomLogDefinition, type RoomSummaries, RoomSummariesDefinition } from '@ganglion/contracts/room';
import { type Users, UsersDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { createFederation } from './federation/federation.js';
import { mediaModule } from './media.module.js';
import { createMediaServer } from './media-server.js';
import { openByteStore } from './storage/byte-stores.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const { config } = foundation;
  const users = await interfaces.find<Users>(UsersDefinition);
  const roomLog = await interfaces.find<RoomLog>(RoomLogDefinition);
  const roomSummaries = await interfaces.find<RoomSummaries>(RoomSummariesDefinition);
  const keyRing = await interfaces.find<ServerKeyRing>(ServerKeyRingDefinition);
  const federation = createFederation(config, await foundation.signingKeys(), keyRing);
  const bytes = await openByteStore(config.media);
  const server = createMediaServer({ ...foundation, ...federation, users, roomLog, roomSummaries, bytes });
  const part = {
    start: () => server.start(),
    async stop() {
      await server.stop();
      await federation.close();
    },
  };
  return { part, module: mediaModule(server) };
};
