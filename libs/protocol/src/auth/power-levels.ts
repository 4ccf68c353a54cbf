import type { RoomEvent } from '../events/pdu.js';
import type { RoomVersionRules } from '../rooms/room-version.js';
import { type AuthState, creatorOf, isPrivilegedCreator } from './auth-state.js';
import { ownProperty } from './content.js';
import { powerLevelValue } from './power-level-value.js';

/** The level of a creator in a room without m.room.power_levels, up to version 11. */
const CREATOR_LEVEL = 100;

/** The level that a notification key asks for unless m.room.power_levels says otherwise. */
const NOTIFICATION_LEVEL = 50;

/** What each level is when the m.room.power_levels event does not say, or when there is none. */
export const DEFAULT_LEVELS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  ban: 50,
  redact: 50,
  kick: 50,
  invite: 0,
} as const;

export type LevelProperty = keyof typeof DEFAULT_LEVELS;

/** Who may do what in a room. A creator of a version 12 room has the level Infinity. */
export interface PowerLevels {
  readonly ban: number;
  readonly kick: number;
  readonly redact: number;
  readonly invite: number;
  forUser(userId: string): number;
  /** The level that sending an event of the type requires. */
  forEvent(type: string, isState: boolean): number;
  /** The level that a notification such as `room` (an @room mention) requires. */
  notification(key: string): number;
}

/**
 * Reads the power levels in force out of a room's state. Each level is read when it is asked for, so this costs
 * nothing in a room with many users. A value that is no level counts as absent.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export function powerLevelsOf(state: AuthState, rules: RoomVersionRules): PowerLevels {
  return new RoomPowerLevels(state('m.room.create', ''), state('m.room.power_levels', ''), rules);
}

class RoomPowerLevels implements PowerLevels {
  constructor(
    private readonly create: RoomEvent | undefined,
    private readonly event: RoomEvent | undefined,
    private readonly rules: RoomVersionRules,
  ) {}

  get ban(): number {
    return this.level('ban');
  }

  get kick(): number {
    return this.level('kick');
  }

  get redact(): number {
    return this.level('redact');
  }

  get invite(): number {
    return this.level('invite');
  }

  forUser(userId: string): number {
    if (isPrivilegedCreator(this.create, userId, this.rules)) return Number.POSITIVE_INFINITY;
    if (this.event === undefined) return this.isCreator(userId) ? CREATOR_LEVEL : DEFAULT_LEVELS.users_default;
    return this.entry('users', userId) ?? this.level('users_default');
  }

  forEvent(type: string, isState: boolean): number {
    return this.entry('events', type) ?? this.level(isState ? 'state_default' : 'events_default');
  }

  notification(key: string): number {
    return this.entry('notifications', key) ?? NOTIFICATION_LEVEL;
  }

  private isCreator(userId: string): boolean {
    return this.create !== undefined && creatorOf(this.create, this.rules) === userId;
  }

  private level(property: LevelProperty): number {
    return powerLevelValue(this.content(property), this.rules) ?? DEFAULT_LEVELS[property];
  }

  private entry(map: 'users' | 'events' | 'notifications', key: string): number | undefined {
    return powerLevelValue(ownProperty(this.content(map), key), this.rules);
  }

  private content(property: string): unknown {
    return ownProperty(this.event?.pdu.content, property);
  }
}
