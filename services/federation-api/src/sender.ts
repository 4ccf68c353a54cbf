import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, Subscription } from '@ganglion/bus';
import { ANNOUNCEMENTS } from '@ganglion/contracts';
import type { RoomIntake, RoomLog } from '@ganglion/contracts/room';
import { type Database, Lease } from '@ganglion/database';
import type { FederationAgent } from '@ganglion/federation';
import { Periodically } from '@ganglion/service';
import type { Logger } from '@ganglion/telemetry';
import { Deliveries } from './domain/sending/deliveries.js';
import { LogReader } from './domain/sending/log-reader.js';
import { HttpTransactionSender } from './remote/transaction-sender.js';
import { PostgresSenderLog } from './storage/sender-log.js';
import { PostgresSendingStore } from './storage/sending-store.js';

export interface SenderDependencies {
  readonly db: Database;
  readonly bus: Bus;
  readonly agent: FederationAgent;
  readonly roomLog: RoomLog;
  readonly roomIntake: RoomIntake;
  readonly serverNames: readonly string[];
  readonly logger: Logger;
}

/** What one replica does to tell other servers of what our users do. */
export interface Sender {
  /** A server has asked us something: whoever was away is back. */
  heardOf(server: string): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What wakes the reader may be lost. */
const READ_EVERY_MS = 2_000;
/** Many commits are read together. */
const GATHER_MS = 20;
const LOOK_EVERY_MS = 1_000;
const FORGET_EVERY_MS = 60_000;
const RETRY_MS = 500;
/** A busy server need not be noted as alive with each of its requests. */
const NOTE_HEARD_EVERY_MS = 3_000;
const MAX_HEARD = 10_000;

/** Puts a sender together. Of any number one reads the log, and all of them send. */
export function createSender(deps: SenderDependencies): Sender {
  const { db, bus, agent, roomLog, roomIntake, serverNames, logger } = deps;
  const holder = randomUUID();
  const store = new PostgresSendingStore(db, holder);
  const deliveries = new Deliveries({ store, sender: new HttpTransactionSender(agent), roomLog, logger });
  const lease = new Lease(db, { name: 'federation.sender', holder });
  const isOurs = (name: string) => serverNames.includes(name);
  const allows = (name: string) => agent.policy.allows(name);
  const looking = new Periodically('sending to other servers', LOOK_EVERY_MS, () => deliveries.begin(), logger);
  const forgetting = new Periodically('forgetting what was sent', FORGET_EVERY_MS, () => store.forgetSent(), logger);
  const heard = new Map<string, number>();
  let wake = Promise.withResolvers<void>();
  let listening: Subscription | undefined;

  async function lead(signal: AbortSignal): Promise<void> {
    const log = new PostgresSenderLog(db);
    const reader = new LogReader({ roomLog, intake: roomIntake, log, isOurs, allows, logger });
    while (!signal.aborted) {
      const woken = wake.promise;
      try {
        await reader.read(signal);
        await deliveries.begin();
        await Promise.race([woken, sleep(READ_EVERY_MS, undefined, { signal })]).catch(() => {});
        await sleep(GATHER_MS);
      } catch (err) {
        logger.warn({ err }, 'the log of rooms could not be read for other servers; it will be tried again');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
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
      listening = await bus.listen(ANNOUNCEMENTS, ({ id }) => {
        if (!id.startsWith('!')) return;
        wake.resolve();
        wake = Promise.withResolvers<void>();
      });
      void lease.run(({ signal }) => lead(signal));
      looking.start();
      forgetting.start();
    },
    async stop() {
      await Promise.all([listening?.stop(), lease.close(), looking.stop(), forgetting.stop()]);
      await deliveries.stop();
    },
  };
}
