import { type Bus, jsonCodec, type Subscription, type Topic } from '@ganglion/bus';
import { TOKENS_REVOKED } from '@ganglion/contracts';
import { Gatherer } from '@ganglion/service';
import type { Counter, Logger } from '@ganglion/telemetry';
import { type Appender, TermOverError } from '../domain/append/appender.js';
import type { TypingRooms } from '../domain/append/typing-rooms.js';
import type { TypingCall, TypingReply } from '../domain/ephemeral/typing-calls.js';
import type { AppendModel } from '../domain/ports/append-model.js';
import type { NewReceipt, ReceiptModel } from '../domain/ports/receipt-model.js';
import type { PresenceStatus } from '../domain/presence/presence.js';
import type { PresenceDesk } from '../domain/presence/presence-desk.js';

/** What replicas tell the appender of who is typing, and what they ask it. */
export const TYPING: Topic<TypingCall> = { name: 'sync-typing', codec: jsonCodec((input) => input as TypingCall) };

/** What the appender answers; its key is the name of the replica. */
export const TYPING_TAKEN: Topic<TypingReply> = {
  name: 'sync-typing-taken',
  codec: jsonCodec((input) => input as TypingReply),
};

/** That receipts wait in the database to be placed: a hint, so that nobody waits for the next look. */
export const RECEIPTS: Topic<Record<string, never>> = { name: 'sync-receipts', codec: jsonCodec(() => ({})) };

export interface EphemeralIntakeDependencies {
  readonly bus: Bus;
  readonly receipts: ReceiptModel;
  readonly model: Pick<AppendModel, 'isAway'>;
  readonly typing: TypingRooms;
  /** Undefined where nobody is told of presence. */
  readonly presence: PresenceDesk | undefined;
  /** Called now and then with those users of ours who are still reachable as they were. */
  readonly presenceGoesOn: (statuses: readonly PresenceStatus[]) => void;
  readonly appender: Appender;
  readonly logger: Logger;
  /** Counts receipts that the database refuses, which are left out. */
  readonly refused: Counter;
  /** Aborted when the term turns out to be over. */
  readonly over: AbortController;
}

const LOOK_EVERY_MS = 250;
/** Looks. While the bus is away nobody can give a hint, and each of them is for receipts, too. */
const LOOK_FOR_RECEIPTS_EVERY = 4;
/** What comes meanwhile is placed together, so that it wakes those whom it concerns once. */
const PLACE_EVERY_MS = 250;
/** Looks. */
const LOOK_FOR_PRESENCE_EVERY = 4;
const NO_PRESENCE = { notes: [], remote: [] };
const MAX_LISTS = 100;
/** In one append: events wait for no more than these. */
const MAX_RECEIPTS = 250;

/**
 * Brings the appender, for its term, what is not announced on a stream: receipts, which wait for it in the database, and
 * who is typing, which replicas tell it.
 */
export class EphemeralIntake {
  #subscriptions: Subscription[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  #placing: Promise<void> = Promise.resolve();
  readonly #rounds = new Gatherer<void>(PLACE_EVERY_MS, () => this.#place());

  constructor(private readonly deps: EphemeralIntakeDependencies) {}

  async start(): Promise<void> {
    const { bus } = this.deps;
    this.#subscriptions = await Promise.all([
      bus.listen(RECEIPTS, () => this.#placeReceipts()),
      bus.listen(TYPING, (call) => void this.#try(() => this.#take(call))),
      bus.listen(TOKENS_REVOKED, ({ userId, deviceIds, replaced }) => {
        if (!replaced) void this.#try(() => this.#endDevices(userId, deviceIds));
      }),
    ]);
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#placeReceipts();
    if (this.deps.typing.isBeginning) void this.#try(() => this.deps.appender.append({ typing: [] }));
  }

  /** What is under way is ended; what has not begun waits for the next term. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#subscriptions.map((subscription) => subscription.stop()));
    await this.#placing;
  }

  #look(): void {
    const { typing, appender, bus } = this.deps;
    const isDue = typing.isDue(Date.now()) || typing.isBeginning;
    if (isDue) void this.#try(() => appender.append({ typing: [] }));
    this.#looks += 1;
    if (this.#looks % LOOK_FOR_PRESENCE_EVERY === 0) this.#lookForPresence();
    if (!bus.connected || this.#looks % LOOK_FOR_RECEIPTS_EVERY === 0) this.#placeReceipts();
  }

  /** Who has gone or is idle. */
  #lookForPresence(): void {
    const { presence, appender, presenceGoesOn } = this.deps;
    const goOn = presence?.goOn(Date.now()) ?? [];
    if (goOn.length > 0) presenceGoesOn(goOn);
    if (presence?.expire(Date.now())) void this.#try(() => appender.append({ presence: NO_PRESENCE }));
  }

  async #endDevices(userId: string, deviceIds: readonly string[]): Promise<void> {
    const { presence, appender } = this.deps;
    if (!presence?.knows(userId)) return;
    const notes = deviceIds.map((deviceId) => ({ userId, deviceId, state: 'offline' as const, isActive: false }));
    await appender.append({ presence: { notes, remote: [] } });
  }

  async #take({ replica, call, notes, wantsLists, presence }: TypingCall): Promise<void> {
    const { appender, typing, bus } = this.deps;
    if (presence !== undefined) await appender.append({ presence });
    else await appender.append({ typing: notes });
    const lists = wantsLists ? typing.lists : undefined;
    bus.broadcast(TYPING_TAKEN, { call, position: appender.position, lists }, replica);
  }

  #placeReceipts(): void {
    this.#placing = this.#try(() => this.#rounds.add());
  }

  async #place(): Promise<void> {
    const { receipts, over } = this.deps;
    for (let more = true; more && !over.signal.aborted; ) {
      const lists = await receipts.handedOver(MAX_LISTS);
      if (lists.length === 0) return;
      // Those of a room together: who is in it is woken once.
      const all = lists.flatMap((list) => list.receipts).sort((one, other) => one.roomNid - other.roomNid);
      for (let first = 0; first < all.length; first += MAX_RECEIPTS) {
        await this.#append(all.slice(first, first + MAX_RECEIPTS));
      }
      await receipts.forgetLists(lists.map(({ listId }) => listId));
      more = lists.length === MAX_LISTS;
    }
  }

  /** What the database refuses must not keep the others waiting. */
  async #append(receipts: readonly NewReceipt[]): Promise<void> {
    const { appender, model, logger, refused } = this.deps;
    try {
      await appender.append({ receipts });
    } catch (error) {
      if (error instanceof TermOverError || model.isAway(error)) throw error;
      const [first, ...others] = receipts;
      if (others.length > 0) for (const receipt of receipts) await this.#append([receipt]);
      else logger.error({ err: error, room_nid: first?.roomNid, event_id: first?.eventId }, 'a receipt is left out');
      if (others.length === 0) refused.inc();
    }
  }

  /** What fails is tried again by the next look. */
  #try(run: () => Promise<void>): Promise<void> {
    return run().catch((error: unknown) => {
      if (error instanceof TermOverError) this.deps.over.abort();
      else this.deps.logger.warn({ err: error }, 'receipts or typing could not be appended yet');
    });
  }
}
