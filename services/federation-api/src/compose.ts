import { IdentityAgent } from '@ganglion/identity';
import type { Part, ServiceDescriptor } from '@ganglion/service';
import { Module } from '@nestjs/common';
import { BoundAddresses } from './domain/serving/bound-addresses.js';
import { ExchangedInvites } from './domain/serving/exchanged-invites.js';
import { checkIsWanted } from './domain/serving/invite-rules.js';
import { createFederationApi } from './federation-api.js';
import { federationApiModule } from './federation-api.module.js';
import { createIncoming } from './incoming.js';
import { incomingModule } from './incoming.module.js';
import { createOutgoing } from './outgoing.js';
import { findOwners } from './owners.js';
import { HttpInvitingServers } from './remote/inviting-servers.js';
import { HttpKeyValidity } from './remote/key-validity.js';
import { createSender } from './sender.js';

@Module({})
class FederationApi {}

/** Begin in this order, and end the other way round. */
function parts(...all: readonly Part[]): Part {
  return {
    async start() {
      for (const part of all) await part.start();
    },
    async stop() {
      for (const part of all.toReversed()) await part.stop();
    },
  };
}

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const { config, db } = foundation;
  const signingKeys = await foundation.signingKeys();
  const api = createFederationApi({ config, db, signingKeys });
  const owners = await findOwners(interfaces);
  const serverNames = config.server_names.map(({ name }) => name);
  const sender = createSender({ ...foundation, ...owners, agent: api.agent, serverNames });
  const incoming = createIncoming({
    ...{ ...foundation, agent: api.agent, keyRing: api.serverKeyRing, owners },
    heardOf: (serverName) => sender.heardOf(serverName),
  });
  const { pdus, recommendations } = incoming;
  const identityAgent = new IdentityAgent(config.identity_servers);
  const isOurs = (serverName: string) => signingKeys.has(serverName);
  const proof = { roomReads: owners.roomReads, keys: new HttpKeyValidity(identityAgent), isOurs };
  const bound = new BoundAddresses({
    ...{ ...proof, rooms: owners.rooms, users: owners.users, logger: foundation.logger },
    inviting: new HttpInvitingServers(api.agent),
    checkIsWanted: (userId, by) => checkIsWanted({ accountData: owners.accountData, isOurs }, userId, by),
  });
  const outgoing = createOutgoing({
    ...{ ...foundation, ...owners, signingKeys, agent: api.agent, pdus, recommendations },
    addresses: bound,
  });
  const thirdParties = { exchanged: new ExchangedInvites({ ...proof, remoteRooms: outgoing.remoteRooms }), bound };
  const identity = { start() {}, stop: () => identityAgent.close() };
  const imports = [federationApiModule(config, api), incomingModule(config, incoming, owners, thirdParties)];
  return {
    module: { module: FederationApi, imports },
    part: parts(identity, api, incoming, outgoing, ...(config.federation.enabled ? [sender] : [])),
    offers: { ...api, ...outgoing },
  };
};
