import { randomUUID } from 'node:crypto';
import type { PolicyServers, RemoteQueries, RemoteRooms as RemoteRoomsContract } from '@ganglion/contracts/federation';
import type { RoomIntake } from '@ganglion/contracts/room';
import type { Database } from '@ganglion/database';
import type { FederationAgent } from '@ganglion/federation';
import type { SigningKey } from '@ganglion/protocol';
import { Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import { NearestEvent } from './domain/history/nearest-event.js';
import { RemoteHistory } from './domain/history/remote-history.js';
import { ServersToAsk } from './domain/history/servers-to-ask.js';
import type { PduVerifier } from './domain/pdus/pdu-verifier.js';
import type { Recommendations } from './domain/policy/recommendations.js';
import { JoinCompletion } from './domain/remote-rooms/join-completion.js';
import { RemoteRooms } from './domain/remote-rooms/remote-rooms.js';
import type { BoundAddresses } from './domain/serving/bound-addresses.js';
import { HttpHandshakes } from './remote/handshakes.js';
import { HttpRemoteEvents } from './remote/remote-events.js';
import { PolicyServersRpc } from './rpc/policy-servers-rpc.js';
import { RemoteQueriesRpc } from './rpc/remote-queries-rpc.js';
import { RemoteRoomsRpc } from './rpc/remote-rooms-rpc.js';
import { PostgresHistoryTurns } from './storage/history-turns.js';
import { PostgresPartialJoins } from './storage/partial-joins.js';

export interface OutgoingDependencies {
  readonly db: Database;
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  readonly agent: FederationAgent;
  readonly pdus: PduVerifier;
  readonly recommendations: Recommendations;
  readonly roomIntake: RoomIntake;
  /** Where users of ours bring what they were invited by. */
  readonly addresses: Pick<BoundAddresses, 'claim'>;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 1_000;

/** What one replica asks of other servers for the other services. */
export interface Outgoing {
  readonly remoteRooms: RemoteRoomsContract;
  readonly remoteQueries: RemoteQueries;
  readonly policyServers: PolicyServers;
  start(): void;
  /** Waits for what runs. */
  stop(): Promise<void>;
}

/** Puts together what asks other servers. Any number may run. */
export function createOutgoing(dependencies: OutgoingDependencies): Outgoing {
  const { db, signingKeys, agent, pdus, recommendations, roomIntake, addresses, logger } = dependencies;
  const allows = (serverName: string) => agent.policy.allows(serverName);
  const remote = new HttpRemoteEvents(agent);
  const own = { intake: roomIntake, pdus, remote, logger };
  const joining = { ...own, joins: new PostgresPartialJoins(db), holder: randomUUID() };
  const completion = new JoinCompletion(joining);
  const looking = new Periodically('ending joins', LOOK_EVERY_MS, () => completion.look(), logger);
  const rooms = new RemoteRooms({ ...joining, completion, handshakes: new HttpHandshakes(agent), signingKeys, allows });
  const isOurs = (serverName: string) => signingKeys.has(serverName);
  const past = { ...own, servers: new ServersToAsk({ intake: roomIntake, isOurs, allows }) };
  const history = new RemoteHistory({ ...past, turns: new PostgresHistoryTurns(db) });
  const remoteRooms = new RemoteRoomsRpc(rooms, history, new NearestEvent(past), addresses);
  const as = [...signingKeys.keys()][0];
  if (as === undefined) throw new Error('no server name has a signing key');
  const remoteQueries = new RemoteQueriesRpc(agent, as);
  return {
    remoteRooms,
    remoteQueries,
    policyServers: new PolicyServersRpc(recommendations),
    start: () => looking.start(),
    async stop() {
      await Promise.all([remoteRooms.close(), remoteQueries.close()]);
      await Promise.all([completion.stop(), looking.stop()]);
    },
  };
}
