import type { CompiledRoomEventFilter } from '@ganglion/protocol';
import type { HistoryToken } from './history-token.js';
import type { Reader } from './reading.js';
import type { Direction } from './room-walk.js';

export interface MessagesRequest extends Reader {
  readonly roomId: string;
  readonly direction: Direction;
  readonly from: HistoryToken | undefined;
  readonly to: HistoryToken | undefined;
  readonly limit: number;
  readonly filter: CompiledRoomEventFilter;
}

export interface ContextRequest extends Reader {
  readonly roomId: string;
  readonly eventId: string;
  readonly limit: number;
  readonly filter: CompiledRoomEventFilter;
}

export interface TimestampRequest extends Reader {
  readonly roomId: string;
  /** Milliseconds since the epoch. */
  readonly ts: number;
  readonly direction: Direction;
}

export interface MembersRequest extends Reader {
  readonly roomId: string;
  readonly at: HistoryToken | undefined;
  readonly membership: string | undefined;
  readonly notMembership: string | undefined;
}

/** How many events around another one are wanted, and whether the names of who sent them. */
export interface Surroundings {
  readonly beforeLimit: number;
  readonly afterLimit: number;
  readonly includeProfile: boolean;
}
