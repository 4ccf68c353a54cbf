/** How reachable somebody is. @see https://spec.matrix.org/v1.19/client-server-api/#presence */
export type PresenceState = 'online' | 'unavailable' | 'offline';

/** What is told of a user. */
export interface PresenceStatus {
  readonly userId: string;
  readonly presence: PresenceState;
  readonly statusMsg: string | undefined;
  /** When they did something last, in milliseconds since the epoch; 0 when that is not known. */
  readonly lastActiveTs: number;
}

/** A status that has its place in the order of everything. */
export interface PresenceRow extends PresenceStatus {
  readonly position: number;
  /** The rooms that the user is in: who is in one of them may know. */
  readonly roomNids: readonly number[];
}

/** What a replica tells the appender of one device. */
export interface PresenceNote {
  readonly userId: string;
  readonly deviceId: string;
  /** Offline: the device has gone. */
  readonly state: PresenceState;
  /** The user has done something, rather than only being there. */
  readonly isActive: boolean;
  /** What the user wants to be told along with it from now on; absent when that stays, null for nothing. */
  readonly statusMsg?: string | null;
}

/** What another server tells of a user of its. */
export interface RemotePresence {
  readonly userId: string;
  readonly state: PresenceState;
  readonly statusMsg: string | undefined;
  readonly lastActiveAgoMs: number;
}

/** Who has done something within this time is doing something now. */
const CURRENTLY_ACTIVE_MS = 60_000;

/**
 * The content of an m.presence event as of a moment, in milliseconds since the epoch.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mpresence
 */
export function presenceContent({ presence, statusMsg, lastActiveTs }: PresenceStatus, now: number) {
  const ago = Math.max(0, now - lastActiveTs);
  return {
    presence,
    ...(lastActiveTs > 0 && { last_active_ago: ago }),
    ...(presence === 'online' && { currently_active: ago < CURRENTLY_ACTIVE_MS }),
    ...(statusMsg !== undefined && { status_msg: statusMsg }),
  };
}
