import { setTimeout as sleep } from 'node:timers/promises';
import type { Bus, ConsumerDefinition, Subscription } from '@ganglion/bus';
import { ANNOUNCEMENTS, KEY_CHANGES, ROOM_EVENTS, USER_CHANGES } from '@ganglion/contracts';
import type { KeyChange, KeyLog } from '@ganglion/contracts/keys';
import type { RoomEvents, RoomLog } from '@ganglion/contracts/room';
import type { UserChanges, UserLog } from '@ganglion/contracts/user';
import type { Lease, Term } from '@ganglion/database';
import { RpcCancelledError, RpcError, RpcUnavailableError } from '@ganglion/rpc/errors';
import type { Counter, Logger, Metrics } from '@ganglion/telemetry';
import { Appender, TermOverError } from '../domain/append/appender.js';
import { CatchUp } from '../domain/append/catch-up.js';
import { OverdueCommits } from '../domain/append/overdue-commits.js';
import { TypingRooms } from '../domain/append/typing-rooms.js';
import type { AppendBatch } from '../domain/append-batch.js';
import type { AppendModel } from '../domain/ports/append-model.js';
import type { DeviceListModel } from '../domain/ports/device-list-model.js';
import type { DeviceMessageModel } from '../domain/ports/device-message-model.js';
import type { PresenceModel } from '../domain/ports/presence-model.js';
import type { ReceiptModel } from '../domain/ports/receipt-model.js';
import type { PresenceStatus } from '../domain/presence/presence.js';
import { PresenceDesk } from '../domain/presence/presence-desk.js';
import { DeviceMessageIntake } from './device-message-intake.js';
import { EphemeralIntake } from './ephemeral-intake.js';
import { inTracesOf } from './message-traces.js';

export interface AppenderServiceDependencies {
  readonly model: AppendModel;
  readonly receipts: ReceiptModel;
  readonly deviceMessages: Pick<DeviceMessageModel, 'handedOver'>;
  readonly bus: Bus;
  readonly lease: Lease;
  readonly roomLog: RoomLog;
  readonly userLog: UserLog;
  readonly keyLog: KeyLog;
  readonly deviceLists: Pick<DeviceListModel, 'keySeqs' | 'roomsOf'>;
  /** Undefined where nobody is told of presence. */
  readonly presence: PresenceModel | undefined;
  /** Whether a user is one of ours. */
  readonly isLocal: (userId: string) => boolean;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called with each batch once it is in the database. */
  readonly appended: (batch: AppendBatch) => void;
  /** Called now and then with those users of ours who are still reachable as they were. */
  readonly presenceGoesOn: (statuses: readonly PresenceStatus[]) => void;
}

const CATCH_UP_EVERY_MS = 15_000;
/** While the bus is away, only the owners' logs tell what was committed. */
const CATCH_UP_UNHEARD_EVERY_MS = 400;
const WATCH_EVERY_MS = 500;
const RETRY_MS = 250;
const PRESENT_PAGE = 5_000;

const COMMON = {
  durable: 'sync',
  maxBatch: 256,
  maxAttempts: 20,
  backoffMs: [50, 200, 1_000, 5_000],
};
const ROOMS: ConsumerDefinition<RoomEvents> = { ...COMMON, stream: ROOM_EVENTS, key: ({ roomId }) => roomId };
const USERS: ConsumerDefinition<UserChanges> = { ...COMMON, stream: USER_CHANGES, key: ({ userId }) => userId };
const KEYS: ConsumerDefinition<KeyChange> = { ...COMMON, stream: KEY_CHANGES, key: ({ userId }) => userId };

/**
 * Campaigns to be the appender and, while it is, appends what the bus brings. It compares with the owners' logs at the
 * beginning of its term, whenever the bus may have lost something or does not bring what was announced, and every fifteen
 * seconds; while the bus is away, all the time.
 */
export class AppenderService {
  readonly #parked: Counter;
  readonly #refused: Counter;

  constructor(private readonly deps: AppenderServiceDependencies) {
    this.#parked = deps.metrics.counter({
      name: 'ganglion_sync_unreadable_events_total',
      help: 'Events that were left out of the read model because no text for clients can be made of them.',
    });
    this.#refused = deps.metrics.counter({
      name: 'ganglion_sync_refused_receipts_total',
      help: 'Receipts that were left out of the read model because the database refused them.',
    });
  }

  start(): void {
    void this.deps.lease.run((term) => this.#lead(term));
  }

  async stop(): Promise<void> {
    await this.deps.lease.close();
  }

  async #lead(term: Term): Promise<void> {
    const state = await this.deps.model.beginTerm(term.epoch);
    if (state === undefined) return;
    const { model, receipts, roomLog, userLog, keyLog, deviceLists, isLocal, appended, bus, logger } = this.deps;
    const typing = new TypingRooms(state.typing ?? { from: state.position, rows: [] }, state.typing === undefined);
    const presence = await this.#presenceDesk();
    const looks = new Looks();
    const overdue = new OverdueCommits();
    const appender = new Appender({
      ...{ position: state.position, epoch: term.epoch, model, log: roomLog, userLog, typing, isLocal },
      ...{ keyLog, deviceLists },
      presence: presence && { desk: presence, model: this.deps.presence! },
      appended: (batch) => {
        overdue.appended(batch, Date.now());
        appended(batch);
      },
      unreadable: (roomId, eventId, error) => this.#park(roomId, eventId, error),
    });
    const catchUp = new CatchUp(state, { ...this.deps, epoch: term.epoch, appender, ownerTrouble });
    const over = new AbortController();
    const signal = AbortSignal.any([term.signal, over.signal]);
    const consuming = new Consuming(this.#consume(appender, over, signal));
    const refused = this.#refused;
    const intake = new EphemeralIntake({
      ...{ bus, receipts, model, typing, presence, appender, logger, refused, over },
      presenceGoesOn: this.deps.presenceGoesOn,
    });
    const messages = new DeviceMessageIntake({ ...this.deps, appender, over });
    let watch: Subscription | undefined;
    try {
      await intake.start();
      await messages.start();
      watch = await this.#watch(overdue, looks);
      await this.#catchUpUntil(signal, catchUp, consuming, looks);
    } finally {
      over.abort();
      await Promise.all([intake.stop(), messages.stop(), watch?.stop(), consuming.stop()]);
      await this.#leave(appender, typing, term.epoch);
    }
  }

  /** Who was there before this term: they say so again, or have gone. */
  async #presenceDesk(): Promise<PresenceDesk | undefined> {
    const { presence: model, isLocal } = this.deps;
    if (model === undefined) return undefined;
    const desk = new PresenceDesk(isLocal);
    for (let afterUser: string | undefined = ''; afterUser !== undefined; ) {
      const page: Awaited<ReturnType<PresenceModel['present']>> = await model.present(afterUser, PRESENT_PAGE);
      for (const status of page) desk.learn(status.userId, status, Date.now());
      afterUser = page.length < PRESENT_PAGE ? undefined : page.at(-1)?.userId;
    }
    return desk;
  }

  /** Whoever comes next goes on with who is typing now. When nobody can be told, nobody is typing then. */
  async #leave(appender: Appender, typing: TypingRooms, epoch: number): Promise<void> {
    try {
      // What is under way is appended first.
      await appender.append({ typing: [] });
      await this.deps.model.leaveTyping(epoch, appender.position, typing.lists);
    } catch (error) {
      if (!(error instanceof TermOverError)) this.deps.logger.warn({ err: error }, 'who is typing is forgotten');
    }
  }

  /** Poison is counted and left out, not tried forever. */
  #park(roomId: string, eventId: string, error: unknown): void {
    this.#parked.inc();
    this.deps.logger.error(
      { err: error, room_id: roomId, event_id: eventId },
      'an event cannot be read and is left out',
    );
  }

  #consume(appender: Appender, over: AbortController, signal: AbortSignal): Promise<Subscription | undefined>[] {
    const append = (incoming: Parameters<Appender['append']>[0]) =>
      appender.append(incoming).catch((error: unknown) => {
        if (error instanceof TermOverError) over.abort();
        throw error;
      });
    const { bus } = this.deps;
    const rooms = () =>
      bus.consume(ROOMS, async (batch) => {
        await Promise.all(batch.map(({ message }) => inTracesOf(message, (room) => append({ room }))));
      });
    const users = () =>
      bus.consume(USERS, async (batch) => {
        await Promise.all(batch.map(({ message }) => append({ user: message })));
      });
    const keys = () =>
      bus.consume(KEYS, async (batch) => {
        await Promise.all(batch.map(({ message }) => append({ keys: message })));
      });
    return [rooms, users, keys].map((consume) => this.#persistently(consume, signal));
  }

  /** Looks at once when the bus does not bring what was announced. */
  async #watch(overdue: OverdueCommits, looks: Looks): Promise<Subscription> {
    const { bus } = this.deps;
    const listening = await bus.listen(ANNOUNCEMENTS, ({ id, seq }) => overdue.announce(id, seq, Date.now()));
    const timer = setInterval(() => overdue.take(Date.now()) && looks.wake(), WATCH_EVERY_MS);
    return {
      async stop() {
        clearInterval(timer);
        await listening.stop();
      },
    };
  }

  /** A bus that is away when the term begins must not keep it from beginning. */
  async #persistently(consume: () => Promise<Subscription>, signal: AbortSignal): Promise<Subscription | undefined> {
    while (!signal.aborted) {
      try {
        return await consume();
      } catch (error) {
        if (!signal.aborted) this.deps.logger.warn({ err: error }, 'the bus does not bring what is committed yet');
        await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }

  async #catchUpUntil(signal: AbortSignal, catchUp: CatchUp, consuming: Consuming, looks: Looks): Promise<void> {
    const { bus } = this.deps;
    const stopListening = bus.onReset(() => looks.wake());
    while (!signal.aborted) {
      let pause = bus.connected && consuming.begun ? CATCH_UP_EVERY_MS : CATCH_UP_UNHEARD_EVERY_MS;
      looks.begin();
      try {
        await catchUp.run(signal);
      } catch (error) {
        if (error instanceof TermOverError) break;
        if (!signal.aborted) this.deps.logger.warn({ err: error }, 'the read model could not catch up yet');
        pause = RETRY_MS;
      }
      await looks.pause(pause, signal);
    }
    stopListening();
  }
}

/** Whether the owner of a log could not be asked, or failed at what it was asked. */
function ownerTrouble(error: unknown): 'away' | 'failed' | undefined {
  if (error instanceof RpcUnavailableError || error instanceof RpcCancelledError) return 'away';
  return error instanceof RpcError ? 'failed' : undefined;
}

/** When to look into the owners' logs: after a pause, or at once when something has happened since the last look began. */
class Looks {
  #wake = new AbortController();

  begin(): void {
    this.#wake = new AbortController();
  }

  wake(): void {
    this.#wake.abort();
  }

  async pause(ms: number, signal: AbortSignal): Promise<void> {
    await sleep(ms, undefined, { signal: AbortSignal.any([signal, this.#wake.signal]) }).catch(() => {});
  }
}

/** What the bus brings during one term. */
class Consuming {
  /** Whether everything that is published from now on is brought. */
  begun = false;

  constructor(private readonly subscriptions: readonly Promise<Subscription | undefined>[]) {
    void Promise.all(subscriptions).then(() => {
      this.begun = true;
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.subscriptions.map(async (subscription) => (await subscription)?.stop()));
  }
}
