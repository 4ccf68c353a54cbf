import type { RemoteQueries, RemoteRooms as RemoteRoomsContract } from '@ganglion/contracts/federation';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { FederationAgent } from '@ganglion/federation';
import type { SigningKey } from '@ganglion/protocol';
import type { Logger } from '@ganglion/telemetry';
import type { PduVerifier } from './domain/pdus/pdu-verifier.js';
import { RemoteRooms } from './domain/remote-rooms/remote-rooms.js';
import { HttpHandshakes } from './remote/handshakes.js';
import { RemoteQueriesRpc } from './rpc/remote-queries-rpc.js';
import { RemoteRoomsRpc } from './rpc/remote-rooms-rpc.js';

export interface OutgoingDependencies {
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  readonly agent: FederationAgent;
  readonly pdus: PduVerifier;
  readonly roomIntake: RoomIntake;
  readonly logger: Logger;
}

/** What one replica asks of other servers for the other services. */
export interface Outgoing {
  readonly remoteRooms: RemoteRoomsContract;
  readonly remoteQueries: RemoteQueries;
  start(): void;
  /** Waits for what runs. */
  stop(): Promise<void>;
}

/** Puts together what asks other servers. Any number may run. */
export function createOutgoing({ signingKeys, agent, pdus, roomIntake, logger }: OutgoingDependencies): Outgoing {
  const rooms = new RemoteRooms({
    ...{ intake: roomIntake, handshakes: new HttpHandshakes(agent), pdus, signingKeys, logger },
    allows: (serverName) => agent.policy.allows(serverName),
  });
  const remoteRooms = new RemoteRoomsRpc(rooms);
  const as = [...signingKeys.keys()][0];
  if (as === undefined) throw new Error('no server name has a signing key');
  const remoteQueries = new RemoteQueriesRpc(agent, as);
  return {
    remoteRooms,
    remoteQueries,
    start() {},
    async stop() {
      await Promise.all([remoteRooms.close(), remoteQueries.close()]);
    },
  };
}
