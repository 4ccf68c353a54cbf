import { type PolicyServers, PolicyServersDefinition } from '@ganglion/contracts/federation';
import type { ServiceDescriptor } from '@ganglion/service';
import { RemotePolicyServers } from './remote/remote-policy-servers.js';
import { createRoomServer } from './room-server.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const policy = new RemotePolicyServers(await interfaces.find<PolicyServers>(PolicyServersDefinition));
  const server = createRoomServer({ ...foundation, policy, signingKeys: await foundation.signingKeys() });
  return { part: server, offers: server };
};
