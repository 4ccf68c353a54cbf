/**
 * A filter as clients upload it, with the names of the specification.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export interface Filter {
  /** Dot-separated paths of the properties to keep in each event. */
  readonly event_fields?: readonly string[];
  readonly event_format?: 'client' | 'federation';
  readonly presence?: EventFilter;
  readonly account_data?: EventFilter;
  readonly room?: RoomFilter;
}

/** What chooses events by their type and sender. */
export interface EventFilter {
  readonly limit?: number;
  /** Event types to include; `*` stands for any run of characters. */
  readonly types?: readonly string[];
  readonly not_types?: readonly string[];
  readonly senders?: readonly string[];
  readonly not_senders?: readonly string[];
}

/** What chooses events in rooms, also the whole filter of `/messages`, `/context` and `/search`. */
export interface RoomEventFilter extends EventFilter {
  readonly rooms?: readonly string[];
  readonly not_rooms?: readonly string[];
  readonly lazy_load_members?: boolean;
  readonly include_redundant_members?: boolean;
  readonly unread_thread_notifications?: boolean;
  readonly contains_url?: boolean;
  /** Only events that are related to another one in one of these ways, or in none of those (MSC3874). */
  readonly 'org.matrix.msc3874.rel_types'?: readonly string[];
  readonly 'org.matrix.msc3874.not_rel_types'?: readonly string[];
  /** Only events to which someone of this list has related an event (MSC3440). */
  readonly related_by_senders?: readonly string[];
  /** Only events to which an event is related in one of these ways (MSC3440). */
  readonly related_by_rel_types?: readonly string[];
}

/** What chooses rooms, and events in each part of a room's answer. */
export interface RoomFilter {
  readonly rooms?: readonly string[];
  readonly not_rooms?: readonly string[];
  readonly include_leave?: boolean;
  readonly ephemeral?: RoomEventFilter;
  readonly state?: RoomEventFilter;
  readonly timeline?: RoomEventFilter;
  readonly account_data?: RoomEventFilter;
}
