import type { ServiceDescriptor } from '@ganglion/service';
import { createRoomServer } from './room-server.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation) => {
  const server = createRoomServer({ ...foundation, signingKeys: await foundation.signingKeys() });
  return { part: server, offers: server };
};
