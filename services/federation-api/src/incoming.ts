import { availableParallelism } from 'node:os';
import type { Config } from '@ganglion/config';
import type { ServerKeyRing } from '@ganglion/contracts/federation';
import type { Database } from '@ganglion/database';
import { type FederationAgent, RequestAuthentication } from '@ganglion/federation';
import { Periodically } from '@ganglion/service';
import type { Logger, Metrics } from '@ganglion/telemetry';
import { ChangedKeysEdus } from './domain/incoming/edus/changed-keys.js';
import { DirectToDeviceEdus } from './domain/incoming/edus/direct-to-device.js';
import { PresenceEdus } from './domain/incoming/edus/presence.js';
import { ReceiptEdus } from './domain/incoming/edus/receipts.js';
import { TypingEdus } from './domain/incoming/edus/typing.js';
import { type EduIntake, Edus } from './domain/incoming/edus.js';
import { Gaps } from './domain/incoming/gaps.js';
import { Once } from './domain/incoming/once.js';
import { OutOfBandPdus } from './domain/incoming/out-of-band-pdus.js';
import { RoomPdus } from './domain/incoming/room-pdus.js';
import { Transactions } from './domain/incoming/transactions.js';
import { Turns } from './domain/incoming/turns.js';
import { AdaptiveVerifier } from './domain/pdus/adaptive-verifier.js';
import { PduVerifier } from './domain/pdus/pdu-verifier.js';
import { Recommendations } from './domain/policy/recommendations.js';
import { Memberships } from './domain/serving/memberships.js';
import type { Owners } from './owners.js';
import { HttpPolicySigners } from './remote/policy-signers.js';
import { HttpRemoteEvents } from './remote/remote-events.js';
import { PostgresTransactionStore } from './storage/transaction-store.js';

export interface IncomingDependencies {
  readonly config: Config;
  readonly db: Database;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly agent: FederationAgent;
  readonly keyRing: ServerKeyRing;
  /** Told of each server that asks something. */
  readonly heardOf?: (serverName: string) => void;
  readonly owners: Pick<Owners, 'accountData' | 'roomIntake' | 'roomFederation' | 'remoteEphemeral' | 'keysForServers'>;
}

/** What one replica does with what comes from other servers. */
export interface Incoming {
  readonly authentication: RequestAuthentication;
  readonly transactions: Transactions;
  readonly memberships: Memberships;
  /** How PDUs are verified, wherever they come from. */
  readonly pdus: PduVerifier;
  /** What rooms' policy servers say of them. */
  readonly recommendations: Recommendations;
  start(): void;
  stop(): Promise<void>;
}

/** A server has one transaction on its way to each of our names; those that come again wait for it. */
const TURNS = { perServer: 2, waitingPerServer: 20, total: 32 };
const FORGET_EVERY_MS = 10 * 60_000;

/** Puts together what takes things in. Any number may run on one database. */
export function createIncoming({
  config,
  db,
  logger,
  metrics,
  agent,
  keyRing,
  owners,
  heardOf,
}: IncomingDependencies): Incoming {
  const names = config.server_names.map(({ name }) => name);
  const isOurs = (serverName: string) => names.includes(serverName);
  const verifier = new AdaptiveVerifier(Math.max(1, availableParallelism() - 1));
  const pdus = new PduVerifier(keyRing, verifier);
  const { roomIntake: intake, roomFederation: rooms, remoteEphemeral, keysForServers } = owners;
  const recommendations = new Recommendations(new HttpPolicySigners(agent));
  const gaps = new Gaps({ intake, pdus, remote: new HttpRemoteEvents(agent), logger });
  const leftOut = metrics.counter({
    name: 'ganglion_federation_device_messages_left_out_total',
    help: 'Messages to devices from other servers that were not taken, by why.',
    labels: { reason: ['malformed', 'too_large'] },
  });
  const directToDevice = new DirectToDeviceEdus(remoteEphemeral, (reason, count) => leftOut.inc({ reason }, count));
  const edus = new Edus(
    new Map<string, EduIntake>([
      ['m.typing', new TypingEdus(intake, remoteEphemeral)],
      ['m.receipt', new ReceiptEdus(intake, remoteEphemeral)],
      ['m.presence', new PresenceEdus(remoteEphemeral)],
      ['m.direct_to_device', directToDevice],
      ['m.device_list_update', new ChangedKeysEdus(keysForServers)],
      ['m.signing_key_update', new ChangedKeysEdus(keysForServers)],
      ['org.matrix.signing_key_update', new ChangedKeysEdus(keysForServers)],
    ]),
  );
  const store = new PostgresTransactionStore(db);
  const forgetting = new Periodically(
    'forgetting transactions of other servers',
    FORGET_EVERY_MS,
    () => store.forgetOld(),
    logger,
  );
  return {
    pdus,
    recommendations,
    authentication: new RequestAuthentication(names, agent.policy, keyRing, heardOf),
    transactions: new Transactions({
      ...{ turns: new Turns(TURNS), once: new Once(store), edus },
      pdus: new RoomPdus({ intake, pdus, recommendations, gaps, outOfBand: new OutOfBandPdus(intake, isOurs) }),
    }),
    memberships: new Memberships({ rooms, intake, pdus, recommendations, accountData: owners.accountData, isOurs }),
    start: () => forgetting.start(),
    async stop() {
      await forgetting.stop();
      await verifier.close();
    },
  };
}
