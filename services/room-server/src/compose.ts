import { type PolicyServers, PolicyServersDefinition } from '@ganglion/contracts/federation';
import { type Users, UsersDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { RemotePolicyServers } from './remote/remote-policy-servers.js';
import { createRoomServer } from './room-server.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const policy = new RemotePolicyServers(await interfaces.find<PolicyServers>(PolicyServersDefinition));
  const accounts = await interfaces.find<Users>(UsersDefinition);
  const server = createRoomServer({ ...foundation, policy, accounts, signingKeys: await foundation.signingKeys() });
  return { part: server, offers: server };
};
