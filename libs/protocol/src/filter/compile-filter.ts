import { compileEventFields, type EventFields } from './event-fields.js';
import {
  CompiledEventFilter,
  CompiledRoomEventFilter,
  FILTER_LIMITS,
  type FilterLimits,
  RoomSet,
} from './event-filter.js';
import type { Filter, RoomEventFilter, RoomFilter } from './filter.js';

/** A whole filter ready for use on many rooms and events. */
export interface CompiledFilter {
  /** What `applyEventFields` is to keep of each event, or undefined for all of it. */
  readonly eventFields: EventFields | undefined;
  readonly eventFormat: 'client' | 'federation';
  readonly presence: CompiledEventFilter;
  readonly accountData: CompiledEventFilter;
  readonly room: CompiledRoomFilter;
}

export interface CompiledRoomFilter {
  readonly includeLeave: boolean;
  readonly ephemeral: CompiledRoomEventFilter;
  readonly state: CompiledRoomEventFilter;
  readonly timeline: CompiledRoomEventFilter;
  readonly accountData: CompiledRoomEventFilter;
  /** To be asked before anything of the room is looked for; each part has rooms of its own beyond it. */
  allowsRoom(roomId: string): boolean;
}

/**
 * Makes a parsed filter ready for use, its defaults applied.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export function compileFilter(filter: Filter, limits: FilterLimits = FILTER_LIMITS): CompiledFilter {
  return {
    eventFields: filter.event_fields && compileEventFields(filter.event_fields),
    eventFormat: filter.event_format ?? 'client',
    presence: new CompiledEventFilter(filter.presence ?? {}, limits),
    accountData: new CompiledEventFilter(filter.account_data ?? {}, limits),
    room: compileRoomFilter(filter.room ?? {}, limits),
  };
}

/**
 * Makes a parsed filter of `/messages`, `/context` or `/search` ready for use.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export function compileRoomEventFilter(
  filter: RoomEventFilter,
  limits: FilterLimits = FILTER_LIMITS,
): CompiledRoomEventFilter {
  return new CompiledRoomEventFilter(filter, limits);
}

function compileRoomFilter(filter: RoomFilter, limits: FilterLimits): CompiledRoomFilter {
  const rooms = new RoomSet(filter);
  return {
    includeLeave: filter.include_leave ?? false,
    ephemeral: new CompiledRoomEventFilter(filter.ephemeral ?? {}, limits),
    state: new CompiledRoomEventFilter(filter.state ?? {}, limits),
    timeline: new CompiledRoomEventFilter(filter.timeline ?? {}, limits),
    accountData: new CompiledRoomEventFilter(filter.account_data ?? {}, limits),
    allowsRoom: (roomId) => rooms.has(roomId),
  };
}
