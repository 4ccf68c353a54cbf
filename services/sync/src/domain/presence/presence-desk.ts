import type { PresenceNote, PresenceState, PresenceStatus, RemotePresence } from './presence.js';

interface Device {
  state: 'online' | 'unavailable';
  /** When it was heard of last. */
  toldAt: number;
  /** When its user did something with it last. */
  activeAt: number;
}

interface Known {
  readonly devices: Map<string, Device>;
  statusMsg: string | undefined;
  /** When the user did something last, with whatever device. */
  activeAt: number;
  /** What was appended last. */
  told: PresenceStatus;
  /** When that, or that it goes on, was told last. */
  toldAt: number;
}

/** Who does nothing for so long is not at their device. */
const IDLE_AFTER_MS = 5 * 60_000;
/** Replicas say every twenty seconds that a device is still there. */
const GONE_AFTER_MS = 60_000;
/** Other servers say it when something changes, and now and then. */
const REMOTE_GONE_AFTER_MS = 30 * 60_000;
/** Of who goes on being online it is told this seldom that they have done something. */
const ACTIVE_AGAIN_AFTER_MS = 60_000;
/** Other servers forget who is not told of again for half an hour. */
const GOES_ON_AFTER_MS = 20 * 60_000;
/** The device of whom nobody knows which they have. */
const SOME_DEVICE = '';

/**
 * How reachable everybody is, in the memory of the appender: it alone puts the devices of a user together and ends what was not
 * heard of for too long, so that all replicas agree. Only what others see differently is a change that is appended.
 *
 * Times are milliseconds since the epoch.
 */
export class PresenceDesk {
  readonly #users = new Map<string, Known>();
  /** Those of whom something else may be told than was. */
  readonly #touched = new Set<string>();

  constructor(private readonly isLocal: (userId: string) => boolean) {}

  /** Whether what was told of a user last is known. */
  knows(userId: string): boolean {
    return this.#users.has(userId);
  }

  /** What was appended of a user, before this term or because nobody has kept it in mind; undefined when nothing was. */
  learn(userId: string, appended: PresenceStatus | undefined, now: number): void {
    if (this.#users.has(userId)) return;
    const told = appended ?? { userId, presence: 'offline', statusMsg: undefined, lastActiveTs: 0 };
    const { presence: state, statusMsg, lastActiveTs: activeAt } = told;
    const devices = new Map<string, Device>();
    // Whoever was there before this term says so again, or has gone.
    if (state !== 'offline') devices.set(SOME_DEVICE, { state, toldAt: now, activeAt });
    this.#users.set(userId, { devices, statusMsg, activeAt, told, toldAt: now });
  }

  /** A replica has heard of a device, of a user who is known. */
  note({ userId, deviceId, state, isActive, statusMsg }: PresenceNote, now: number): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    if (statusMsg !== undefined) user.statusMsg = statusMsg ?? undefined;
    const before = user.devices.get(deviceId);
    user.devices.delete(SOME_DEVICE);
    if (state === 'offline') user.devices.delete(deviceId);
    else {
      const begins = before?.state !== state && state === 'online';
      const activeAt = isActive || begins ? now : (before?.activeAt ?? 0);
      user.devices.set(deviceId, { state, toldAt: now, activeAt });
      if (isActive || begins) user.activeAt = now;
    }
    this.#touched.add(userId);
  }

  /** Another server tells of a user of its, who is known. */
  noteRemote({ userId, state, statusMsg, lastActiveAgoMs }: RemotePresence, now: number): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    user.statusMsg = statusMsg;
    user.activeAt = Math.max(0, now - lastActiveAgoMs);
    user.devices.clear();
    if (state !== 'offline') user.devices.set(SOME_DEVICE, { state, toldAt: now, activeAt: user.activeAt });
    this.#touched.add(userId);
  }

  /** A user does something, of whom devices are there. */
  active(userId: string, now: number): void {
    const user = this.#users.get(userId);
    if (user === undefined || user.devices.size === 0) return;
    user.activeAt = now;
    this.#touched.add(userId);
  }

  /** Ends devices that were not heard of for too long, and looks for who is idle; whether anything is to be told. */
  expire(now: number): boolean {
    for (const [userId, user] of this.#users) {
      const lasts = this.isLocal(userId) ? GONE_AFTER_MS : REMOTE_GONE_AFTER_MS;
      for (const [deviceId, { toldAt }] of user.devices) if (now - toldAt > lasts) user.devices.delete(deviceId);
      if (stateOf(userId, user, now, this.isLocal) !== user.told.presence) this.#touched.add(userId);
      // The database knows what was told of them.
      else if (user.devices.size === 0 && !this.#touched.has(userId)) this.#users.delete(userId);
    }
    return this.#touched.size > 0;
  }

  /** What differs from what was appended. */
  changes(now: number): PresenceStatus[] {
    const changes: PresenceStatus[] = [];
    for (const userId of this.#touched) {
      const user = this.#users.get(userId);
      if (user === undefined) continue;
      const presence = stateOf(userId, user, now, this.isLocal);
      const { statusMsg, activeAt: lastActiveTs, told } = user;
      const isAgain = presence === 'online' && lastActiveTs - told.lastActiveTs >= ACTIVE_AGAIN_AFTER_MS;
      if (presence === told.presence && statusMsg === told.statusMsg && !isAgain) this.#touched.delete(userId);
      else changes.push({ userId, presence, statusMsg, lastActiveTs });
    }
    return changes;
  }

  /** Users of ours who are reachable as they were when that was told last, which is a while ago. */
  goOn(now: number): PresenceStatus[] {
    const going = [...this.#users].filter(([userId, { told, toldAt }]) => {
      return told.presence !== 'offline' && now - toldAt >= GOES_ON_AFTER_MS && this.isLocal(userId);
    });
    return going.map(([, user]) => {
      user.toldAt = now;
      return { ...user.told, lastActiveTs: user.activeAt };
    });
  }

  /** These were appended. */
  werePlaced(placed: readonly PresenceStatus[], now: number): void {
    for (const { userId, presence, statusMsg, lastActiveTs } of placed) {
      const user = this.#users.get(userId);
      if (user === undefined) continue;
      user.told = { userId, presence, statusMsg, lastActiveTs };
      user.toldAt = now;
    }
  }
}

/** Of several devices the one that is most reachable counts. Whether users of other servers are idle, those say. */
function stateOf(
  userId: string,
  { devices, activeAt }: Known,
  now: number,
  isLocal: (userId: string) => boolean,
): PresenceState {
  if (devices.size === 0) return 'offline';
  const isIdle = isLocal(userId) && now - activeAt > IDLE_AFTER_MS;
  return !isIdle && [...devices.values()].some(({ state }) => state === 'online') ? 'online' : 'unavailable';
}
