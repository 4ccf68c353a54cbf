import { ProtocolError } from '../errors.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../json/json-value.js';
import type { Filter, RoomEventFilter } from './filter.js';

/** The most entries that any list of a filter may have. */
export const MAX_FILTER_LIST_LENGTH = 1000;
/** The longest entry of a list, in UTF-16 code units: no identifier, event type or field path needs more. */
export const MAX_FILTER_ENTRY_LENGTH = 255;

/** A filter that breaks the schema; `path` names the property, such as `room.timeline.types[0]`. */
export class InvalidFilterError extends ProtocolError {
  readonly path: string;

  constructor(path: string, expected: string) {
    super(path === '' ? `The filter must be ${expected}` : `The filter's ${path} must be ${expected}`);
    this.path = path;
  }
}

type Check = (value: JsonValue, path: string) => void;

/**
 * Checks the definition of a filter, as posted to `/user/{userId}/filter`. The input itself is returned, so that
 * properties of later versions survive storage.
 *
 * @throws {InvalidFilterError} when a property has the wrong shape
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export function parseFilter(input: unknown): Filter {
  checkFilter(input as JsonValue, '');
  return input as Filter;
}

/**
 * Like `parseFilter`, from the text of a `filter` query parameter.
 *
 * @throws {InvalidFilterError} when the text is not JSON or a property has the wrong shape
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export function parseFilterJson(text: string): Filter {
  return parseFilter(parseJson(text));
}

/**
 * Checks a filter for events of rooms, as `/search` and, in text, `/messages` and `/context` take it.
 *
 * @throws {InvalidFilterError} when a property has the wrong shape
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages
 */
export function parseRoomEventFilter(input: unknown): RoomEventFilter {
  checkRoomEventFilter(input as JsonValue, '');
  return input as RoomEventFilter;
}

/**
 * Like `parseRoomEventFilter`, from the text of a `filter` query parameter.
 *
 * @throws {InvalidFilterError} when the text is not JSON or a property has the wrong shape
 * @see https://spec.matrix.org/v1.19/client-server-api/#filtering
 */
export function parseRoomEventFilterJson(text: string): RoomEventFilter {
  return parseRoomEventFilter(parseJson(text));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidFilterError('', 'valid JSON');
  }
}

const checkString: Check = (value, path) => {
  if (typeof value !== 'string') throw new InvalidFilterError(path, 'a string');
  if (value.length > MAX_FILTER_ENTRY_LENGTH) {
    throw new InvalidFilterError(path, `no longer than ${MAX_FILTER_ENTRY_LENGTH} characters`);
  }
};

const checkBoolean: Check = (value, path) => {
  if (typeof value !== 'boolean') throw new InvalidFilterError(path, 'a boolean');
};

const checkLimit: Check = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new InvalidFilterError(path, 'an integer that is not negative');
  }
};

const checkEventFormat: Check = (value, path) => {
  if (value !== 'client' && value !== 'federation') throw new InvalidFilterError(path, '"client" or "federation"');
};

/** An identifier's sigil is all that the schema asks for; an id that nobody has matches nothing. */
function checkId(sigil: string, name: string): Check {
  return (value, path) => {
    checkString(value, path);
    if (!(value as string).startsWith(sigil)) throw new InvalidFilterError(path, name);
  };
}

function checkList(checkEntry: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) throw new InvalidFilterError(path, 'a list');
    if (value.length > MAX_FILTER_LIST_LENGTH) {
      throw new InvalidFilterError(path, `no longer than ${MAX_FILTER_LIST_LENGTH} entries`);
    }
    value.forEach((entry, index) => {
      checkEntry(entry, `${path}[${index}]`);
    });
  };
}

function checkObject(properties: Readonly<Record<string, Check>>): Check {
  const checks = Object.entries(properties);
  return (value, path) => {
    if (!isJsonObject(value)) throw new InvalidFilterError(path, 'an object');
    for (const [name, check] of checks) {
      const property = ownProperty(value, name);
      if (property !== undefined) check(property, path === '' ? name : `${path}.${name}`);
    }
  };
}

function ownProperty(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

const STRINGS = checkList(checkString);
const USER_IDS = checkList(checkId('@', 'a user id'));
const ROOM_IDS = checkList(checkId('!', 'a room id'));

const EVENT_FILTER = {
  limit: checkLimit,
  types: STRINGS,
  not_types: STRINGS,
  senders: USER_IDS,
  not_senders: USER_IDS,
};

const checkEventFilter = checkObject(EVENT_FILTER);

const checkRoomEventFilter = checkObject({
  ...EVENT_FILTER,
  rooms: ROOM_IDS,
  not_rooms: ROOM_IDS,
  lazy_load_members: checkBoolean,
  include_redundant_members: checkBoolean,
  unread_thread_notifications: checkBoolean,
  contains_url: checkBoolean,
  'org.matrix.msc3874.rel_types': STRINGS,
  'org.matrix.msc3874.not_rel_types': STRINGS,
  related_by_senders: USER_IDS,
  related_by_rel_types: STRINGS,
});

const checkRoomFilter = checkObject({
  rooms: ROOM_IDS,
  not_rooms: ROOM_IDS,
  include_leave: checkBoolean,
  ephemeral: checkRoomEventFilter,
  state: checkRoomEventFilter,
  timeline: checkRoomEventFilter,
  account_data: checkRoomEventFilter,
});

const checkFilter = checkObject({
  event_fields: STRINGS,
  event_format: checkEventFormat,
  presence: checkEventFilter,
  account_data: checkEventFilter,
  room: checkRoomFilter,
});
