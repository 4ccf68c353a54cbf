import { setTimeout as sleep } from 'node:timers/promises';
import { MembershipAction, type RoomReads, type RoomSummaries, type Rooms } from '@ganglion/contracts/room';
import type { Logger } from '@ganglion/telemetry';
import type { ProfileStore, RoomUpdates } from '../domain/ports.js';
import type { RoomUpdate, RoomUpdateStore } from '../storage/room-update-store.js';

export interface RoomPorts {
  readonly rooms: Rooms;
  readonly roomReads: RoomReads;
  /** Who may be known to whom; without it, nobody finds anybody. */
  readonly roomSummaries?: RoomSummaries;
}

const PATIENCE_MS = 5_000;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 300_000;
const SWEEP_BATCH = 20;
const LEFT_WHEN_DEACTIVATED = ['join', 'invite', 'knock'];

/** Brings names, avatars and farewells to rooms. What is asked for is stored, so it gets there sooner or later. */
export class RoomUpdater implements RoomUpdates {
  readonly #running = new Set<Promise<void>>();

  constructor(
    private readonly store: RoomUpdateStore,
    private readonly profiles: ProfileStore,
    private readonly ports: RoomPorts,
    private readonly logger: Logger,
  ) {}

  async deliver(userId: string): Promise<void> {
    const patience = new AbortController();
    const late = sleep(PATIENCE_MS, undefined, { signal: patience.signal, ref: false }).catch(() => {});
    await Promise.race([this.#attempt(userId), late]);
    patience.abort();
  }

  /** Attempts what is due: after a failure, or because a process died. */
  async sweep(): Promise<void> {
    for (const userId of await this.store.due(SWEEP_BATCH)) await this.#attempt(userId);
  }

  /** Resolves when no attempt runs any more. */
  async drained(): Promise<void> {
    await Promise.all(this.#running);
  }

  #attempt(userId: string): Promise<void> {
    const attempt = this.#deliverAll(userId).catch((error: unknown) => {
      this.logger.warn({ err: error }, "an update of a user's rooms will be tried again");
    });
    this.#running.add(attempt);
    return attempt.finally(() => this.#running.delete(attempt));
  }

  async #deliverAll(userId: string): Promise<void> {
    let finished = false;
    while (!finished) {
      const update = await this.store.claim(userId);
      if (update === undefined) return;
      try {
        await this.#deliverOne(update);
      } catch (error) {
        await this.store.postpone(userId, Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (update.attempts - 1)));
        throw error;
      }
      finished = await this.store.finish(update);
    }
  }

  async #deliverOne({ userId, fields, leave }: RoomUpdate): Promise<void> {
    if (leave) return this.#leaveAll(userId);
    const profile = (await this.profiles.get(userId)) ?? new Map<string, string>();
    const content = fields.map((name) => `${JSON.stringify(name)}:${profile.get(name) ?? 'null'}`);
    await this.ports.rooms.updateProfile({ userId, contentJson: `{${content.join(',')}}` });
  }

  async #leaveAll(userId: string): Promise<void> {
    const request = { userId, memberships: LEFT_WHEN_DEACTIVATED };
    const { rooms } = await this.ports.roomReads.listMemberships(request);
    const failures: unknown[] = [];
    for (const { roomId } of rooms) {
      const farewell = { roomId, sender: userId, target: userId, action: MembershipAction.LEAVE, contentJson: '{}' };
      await this.ports.rooms.changeMembership(farewell).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} rooms could not be left`);
  }
}
