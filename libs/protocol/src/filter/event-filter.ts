import { GlobSet } from '../globs/glob-set.js';
import { relationOf } from '../relations/relation.js';
import type { EventFilter, RoomEventFilter } from './filter.js';

/** What a filter looks at in an event; account data and presence have no more than some of it. */
export interface FilterableEvent {
  readonly type: string;
  readonly sender?: string;
  readonly content?: unknown;
}

/** An event's child, as `related_by_senders` and `related_by_rel_types` look at it. */
export interface FilterableRelation {
  readonly sender: string;
  readonly relType: string;
}

/** How many events a filter may ask for. */
export interface FilterLimits {
  readonly defaultLimit: number;
  readonly maximumLimit: number;
}

/** Ten events unless the client asks for more, and never more than a thousand. */
export const FILTER_LIMITS: FilterLimits = { defaultLimit: 10, maximumLimit: 1000 };

/** An event filter ready for use on many events. */
export class CompiledEventFilter {
  /** How many events to return, the default and the maximum applied. */
  readonly limit: number;
  /** Nothing is wanted: this part of the answer need not be looked for. */
  readonly allowsNothing: boolean;
  readonly #types: GlobSet | undefined;
  readonly #notTypes: GlobSet | undefined;
  readonly #senders: ReadonlySet<string> | undefined;
  readonly #notSenders: ReadonlySet<string>;

  constructor(filter: EventFilter, limits: FilterLimits = FILTER_LIMITS) {
    this.limit = Math.min(filter.limit ?? limits.defaultLimit, limits.maximumLimit);
    this.allowsNothing = filter.limit === 0 || filter.types?.length === 0 || filter.senders?.length === 0;
    this.#types = filter.types && new GlobSet(filter.types, '*');
    this.#notTypes = filter.not_types && new GlobSet(filter.not_types, '*');
    this.#senders = filter.senders && new Set(filter.senders);
    this.#notSenders = new Set(filter.not_senders);
  }

  /** Whether the event passes; what is excluded stays so even where it is included as well. */
  allows(event: FilterableEvent): boolean {
    return this.#allowsSender(event.sender) && this.#allowsType(event.type);
  }

  #allowsSender(sender: string | undefined): boolean {
    if (sender === undefined) return this.#senders === undefined;
    return !this.#notSenders.has(sender) && (this.#senders?.has(sender) ?? true);
  }

  #allowsType(type: string): boolean {
    return !this.#notTypes?.has(type) && (this.#types?.has(type) ?? true);
  }
}

/** A filter for events of rooms ready for use. `allows` looks at the event alone: ask `allowsRoom` once for its room. */
export class CompiledRoomEventFilter extends CompiledEventFilter {
  readonly lazyLoadMembers: boolean;
  readonly includeRedundantMembers: boolean;
  readonly unreadThreadNotifications: boolean;
  /** Whether `allowsRelations` has to be asked at all. */
  readonly looksAtRelations: boolean;
  /** What that asks for, for who can look for it all at once; undefined where any will do. */
  readonly relatedBySenders: readonly string[] | undefined;
  readonly relatedByRelTypes: readonly string[] | undefined;
  readonly #rooms: RoomSet;
  readonly #containsUrl: boolean | undefined;
  readonly #relTypes: ReadonlySet<string> | undefined;
  readonly #notRelTypes: ReadonlySet<string>;
  readonly #relatedBySenders: ReadonlySet<string> | undefined;
  readonly #relatedByRelTypes: ReadonlySet<string> | undefined;

  constructor(filter: RoomEventFilter, limits: FilterLimits = FILTER_LIMITS) {
    super(filter, limits);
    this.lazyLoadMembers = filter.lazy_load_members ?? false;
    this.includeRedundantMembers = filter.include_redundant_members ?? false;
    this.unreadThreadNotifications = filter.unread_thread_notifications ?? false;
    this.#rooms = new RoomSet(filter);
    this.#containsUrl = filter.contains_url;
    this.#relTypes = filter['org.matrix.msc3874.rel_types'] && new Set(filter['org.matrix.msc3874.rel_types']);
    this.#notRelTypes = new Set(filter['org.matrix.msc3874.not_rel_types']);
    this.#relatedBySenders = filter.related_by_senders && new Set(filter.related_by_senders);
    this.#relatedByRelTypes = filter.related_by_rel_types && new Set(filter.related_by_rel_types);
    this.relatedBySenders = filter.related_by_senders;
    this.relatedByRelTypes = filter.related_by_rel_types;
    this.looksAtRelations = this.#relatedBySenders !== undefined || this.#relatedByRelTypes !== undefined;
  }

  allowsRoom(roomId: string): boolean {
    return this.#rooms.has(roomId);
  }

  override allows(event: FilterableEvent): boolean {
    if (!super.allows(event)) return false;
    if (this.#containsUrl !== undefined && this.#containsUrl !== hasUrl(event.content)) return false;
    return this.#allowsRelation(event);
  }

  #allowsRelation(event: FilterableEvent): boolean {
    if (this.#relTypes === undefined && this.#notRelTypes.size === 0) return true;
    const relType = relationOf(event.content)?.relType;
    if (relType === undefined) return this.#relTypes === undefined;
    return !this.#notRelTypes.has(relType) && (this.#relTypes?.has(relType) ?? true);
  }

  /** Whether one of the event's children is what `related_by_senders` and `related_by_rel_types` ask for. */
  allowsRelations(children: Iterable<FilterableRelation>): boolean {
    if (!this.looksAtRelations) return true;
    for (const { sender, relType } of children) {
      const wanted = (this.#relatedBySenders?.has(sender) ?? true) && (this.#relatedByRelTypes?.has(relType) ?? true);
      if (wanted) return true;
    }
    return false;
  }
}

/** The rooms that a pair of `rooms` and `not_rooms` leaves. */
export class RoomSet {
  readonly #rooms: ReadonlySet<string> | undefined;
  readonly #notRooms: ReadonlySet<string>;

  constructor(filter: { readonly rooms?: readonly string[]; readonly not_rooms?: readonly string[] }) {
    this.#rooms = filter.rooms && new Set(filter.rooms);
    this.#notRooms = new Set(filter.not_rooms);
  }

  has(roomId: string): boolean {
    return !this.#notRooms.has(roomId) && (this.#rooms?.has(roomId) ?? true);
  }
}

function hasUrl(content: unknown): boolean {
  return typeof content === 'object' && content !== null && Object.hasOwn(content, 'url');
}
