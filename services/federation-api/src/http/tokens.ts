/** What controllers are given, by the names under which the module has it. */
export const CONFIG = Symbol('Config');
export const ROOM_FEDERATION = Symbol('RoomFederation');
export const ROOM_DIRECTORY = Symbol('RoomDirectory');
export const ROOM_SUMMARIES = Symbol('RoomSummaries');
export const USERS = Symbol('Users');
export const KEYS_FOR_SERVERS = Symbol('KeysForServers');
