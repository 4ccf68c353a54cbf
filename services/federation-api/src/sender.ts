import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Subscription } from '@ganglion/bus';
import { ANNOUNCEMENTS, DEVICE_MESSAGES_LEAVING, KEY_LOG_GREW, LOCAL_EPHEMERA } from '@ganglion/contracts';
import type { KeyLog, KeysForServers } from '@ganglion/contracts/keys';
import type { RoomIntake, RoomLog } from '@ganglion/contracts/room';
import type { LeavingDeviceMessages } from '@ganglion/contracts/sync';
import type { Devices } from '@ganglion/contracts/user';
import { type Database, Lease } from '@ganglion/database';
import type { FederationAgent } from '@ganglion/federation';
import { Periodically } from '@ganglion/service';
import type { Logger, Metrics } from '@ganglion/telemetry';
import { Deliveries } from './domain/sending/deliveries.js';
import { DeviceMessageReader } from './domain/sending/device-message-reader.js';
import { Ephemera } from './domain/sending/ephemera.js';
import { GentleSender } from './domain/sending/gentle-sender.js';
import { KeyReader } from './domain/sending/key-reader.js';
import { LogReader } from './domain/sending/log-reader.js';
import { NewNeighbours } from './domain/sending/new-neighbours.js';
import { Following } from './following.js';
import { loadGauge } from './remote/load-gauge.js';
import { HttpTransactionSender } from './remote/transaction-sender.js';
import { DestinationCounts } from './storage/destination-counts.js';
import { PostgresEphemeraStore } from './storage/ephemera-store.js';
import { PostgresSenderLog } from './storage/sender-log.js';
import { PostgresSendingStore } from './storage/sending-store.js';
import { SendingTidy } from './storage/sending-tidy.js';
import { PostgresSentKeys } from './storage/sent-keys.js';
import { PostgresTakenMessages } from './storage/taken-messages.js';

export interface SenderDependencies {
  readonly db: Database;
  readonly bus: Bus;
  readonly agent: FederationAgent;
  readonly roomLog: Pick<RoomLog, 'listRoomHeads' | 'getRoomEvents' | 'getEvents' | 'getNews'>;
  readonly roomIntake: Pick<RoomIntake, 'listRoomServers' | 'listServersOfUser' | 'listServersOfRooms'>;
  readonly leavingDeviceMessages: LeavingDeviceMessages;
  readonly keyLog: Pick<KeyLog, 'listKeyHeads'>;
  readonly keysForServers: Pick<KeysForServers, 'getListUpdates'>;
  readonly devices: Pick<Devices, 'listDevices'>;
  readonly serverNames: readonly string[];
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** What one replica does to tell other servers of what our users do. */
export interface Sender {
  /** A server has asked us something: whoever was away is back. */
  heardOf(server: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 1_000;
/** Several times while a destination is ours. */
const KEEP_EVERY_MS = 4_000;
const FORGET_EVERY_MS = 60_000;
const COUNT_EVERY_MS = 15_000;
/** Each transaction costs the other server something; nobody minds when they hear of this a little later. */
const GATHER_EPHEMERA_MS = 500;
/** A busy server need not be noted as alive with each of its requests. */
const NOTE_HEARD_EVERY_MS = 3_000;
const MAX_HEARD = 10_000;
/**
 * A thousand servers are connected to within ten seconds or so, which takes two fifths of a processor; where that has enough to do
 * besides, within half a minute.
 */
const CONNECTING = { perSecond: 80, perBusySecond: 30, burst: 16 };

/** Puts a sender together. Of any number one reads the log, and all of them send. */
export function createSender(deps: SenderDependencies): Sender {
  const {
    db,
    bus,
    agent,
    roomLog,
    roomIntake,
    leavingDeviceMessages,
    keyLog,
    keysForServers,
    devices,
    serverNames,
    metrics,
    logger,
  } = deps;
  const holder = randomUUID();
  const store = new PostgresSendingStore(db, holder);
  const transactions = metrics.counter({
    name: 'ganglion_federation_sent_transactions_total',
    help: 'Transactions that were sent to other servers, by what became of them.',
    labels: { outcome: ['arrived', 'refused', 'failed'] },
  });
  const sender = new GentleSender(new HttpTransactionSender(agent), {
    ...CONNECTING,
    isBusy: loadGauge(),
    now: () => performance.now(),
    pause: (ms, signal) => sleep(ms, undefined, { signal }),
  });
  const deliveries = new Deliveries({
    ...{ store, sender, roomLog, logger },
    ended: (outcome) => transactions.inc({ outcome }),
  });
  const lease = new Lease(db, { name: 'federation.sender', holder });
  const isOurs = (name: string) => serverNames.includes(name);
  const allows = (name: string) => agent.policy.allows(name);
  const looking = new Periodically('sending to other servers', LOOK_EVERY_MS, () => deliveries.begin(), logger);
  const keeping = new Periodically('keeping destinations', KEEP_EVERY_MS, () => deliveries.keep(), logger);
  const heard = new Map<string, number>();
  const log = new PostgresSenderLog(db);
  const whom = { isOurs, allows, logger };
  let ephemera: Ephemera | undefined;
  const neighbours = new NewNeighbours({
    ...{ roomLog, intake: roomIntake, keys: keysForServers, devices, ...whom },
    met: (userId) => ephemera?.meet(userId),
  });
  const reader = new LogReader({ roomLog, intake: roomIntake, log, neighbours, ...whom });
  const deviceMessages = new DeviceMessageReader({
    ...{ leaving: leavingDeviceMessages, taken: new PostgresTakenMessages(db), isOurs, allows },
  });
  const keyReader = new KeyReader({
    ...{ keyLog, keys: keysForServers, intake: roomIntake, sent: new PostgresSentKeys(db), isOurs, allows },
  });
  const ephemeraStore = new PostgresEphemeraStore(db);
  const following = (what: string, read: (signal: AbortSignal) => Promise<boolean>) =>
    new Following({ what, read, afterwards: () => deliveries.begin(), logger });
  const rooms = following('the log of rooms', (signal) => reader.read(signal));
  const messages = following('messages to devices', (signal) => deviceMessages.read(signal));
  const keyChanges = following('the log of keys', (signal) => keyReader.read(signal));
  const all = [rooms, messages, keyChanges];
  const counts = new DestinationCounts(db, metrics);
  let listening: Subscription[] = [];

  /** One does it for all. */
  async function tidy(signal: AbortSignal): Promise<void> {
    const sending = new SendingTidy(db);
    const forgetAll = async () => {
      await sending.tidy();
      await ephemeraStore.forgetOld();
    };
    const forgetting = new Periodically('forgetting what was sent', FORGET_EVERY_MS, forgetAll, logger);
    const counting = new Periodically('counting destinations', COUNT_EVERY_MS, () => counts.count(), logger);
    forgetting.start();
    // An autoscaler looks at this.
    counting.start({ atOnce: true });
    await aborted(signal);
    await Promise.all([forgetting.stop(), counting.stop()]);
    counts.end();
  }

  async function lead(signal: AbortSignal): Promise<void> {
    reader.begin();
    keyReader.begin();
    await Promise.all([...all.map((each) => each.run(signal)), passEphemera(signal), tidy(signal)]);
  }

  /** Only who reads hears what passes, and knows who of our users types. */
  async function passEphemera(signal: AbortSignal): Promise<void> {
    const current = new Ephemera({ intake: roomIntake, store: ephemeraStore, isOurs, allows });
    ephemera = current;
    const passing = new Following({
      ...{ what: 'receipts and typing', gatherMs: GATHER_EPHEMERA_MS, logger },
      read: (signal) => current.flush(Date.now(), signal),
      afterwards: () => deliveries.begin(),
    });
    const hearing = await bus.listen(LOCAL_EPHEMERA, (heard) => {
      current.hear(heard, Date.now());
      passing.wake();
    });
    await passing.run(signal);
    await hearing.stop();
  }

  return {
    heardOf(server) {
      const now = Date.now();
      if ((heard.get(server) ?? 0) + NOTE_HEARD_EVERY_MS > now) return;
      if (heard.size >= MAX_HEARD) heard.clear();
      heard.set(server, now);
      store.heardOf(server).catch((err: unknown) => logger.warn({ err, server }, 'a sign of life could not be noted'));
    },
    async start() {
      listening = await Promise.all([
        bus.listen(ANNOUNCEMENTS, ({ id }) => {
          if (id.startsWith('!')) rooms.wake();
        }),
        bus.listen(DEVICE_MESSAGES_LEAVING, () => messages.wake()),
        bus.listen(KEY_LOG_GREW, () => keyChanges.wake()),
      ]);
      void lease.run(({ signal }) => lead(signal));
      looking.start();
      keeping.start();
    },
    async stop() {
      await Promise.all(listening.map((subscription) => subscription.stop()));
      await Promise.all([lease.close(), looking.stop()]);
      await deliveries.stop();
      await keeping.stop();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
