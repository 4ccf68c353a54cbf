import type { GetRemoteSpaceResponse, RemoteRoomSummary } from '@ganglion/contracts/federation';
import type { RoomSummary } from '@ganglion/contracts/room';
import { isJsonObject, isValidServerName, type JsonObject } from '@ganglion/protocol';
import type { Owners } from './ports.js';

const OPEN_RULES = new Set(['public', 'knock', 'knock_restricted']);
const AT_ONCE = 10;
const MOST_SERVERS = 5;

/** Rooms that we do not take part in, as other servers show them to one of our users, for as long as one request takes. */
export class RoomsElsewhere {
  /** Servers that are said to know a room. */
  readonly #servers = new Map<string, readonly string[]>();
  /** Rooms of spaces, as they were shown with these. */
  readonly #told = new Map<string, RemoteRoomSummary>();
  #joined: Promise<ReadonlySet<string>> | undefined;

  constructor(
    private readonly owners: Pick<Owners, 'remoteQueries' | 'roomIntake' | 'roomReads' | 'isOurs'>,
    private readonly userId: string,
  ) {}

  /** Notes whom to ask about the rooms of a space. @param children its m.space.child events */
  note(children: readonly JsonObject[]): void {
    for (const { state_key: roomId, content } of children) {
      const via = isJsonObject(content) && Array.isArray(content.via) ? content.via : [];
      const servers = via.filter(isValidServerName).filter((name) => !this.owners.isOurs(name));
      if (typeof roomId === 'string') this.#servers.set(roomId, servers.slice(0, MOST_SERVERS));
    }
  }

  /** Those of the rooms that may be shown to the user. */
  async find(roomIds: readonly string[]): Promise<RoomSummary[]> {
    const found: RoomSummary[] = [];
    const left = [...roomIds];
    const work = async () => {
      for (let roomId = left.pop(); roomId !== undefined; roomId = left.pop()) {
        const room = await this.get(roomId, this.#servers.get(roomId) ?? []);
        if (room !== undefined) found.push(room);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, left.length) }, work));
    return found;
  }

  /** A room that may be shown to the user, by way of these servers, or others that are known to be in it. */
  async get(roomId: string, via: readonly string[]): Promise<RoomSummary | undefined> {
    const { takesPart, servers, membership } = await this.owners.roomIntake.getStanding({
      roomId,
      userId: this.userId,
    });
    if (takesPart) return undefined;
    const others = via.filter((name) => !this.owners.isOurs(name));
    const room = await this.#summary(roomId, [...others, ...servers].slice(0, MOST_SERVERS));
    if (room === undefined || !(await this.#mayBeShown(room, membership))) return undefined;
    return { ...room, membership: membership === '' ? undefined : membership };
  }

  async #summary(roomId: string, serverNames: string[]): Promise<RemoteRoomSummary | undefined> {
    const told = this.#told.get(roomId);
    if (told !== undefined) return told;
    const space = serverNames.length === 0 ? undefined : await this.#space(roomId, serverNames);
    for (const child of space?.children ?? []) if (!isSpace(child)) this.#told.set(child.roomId, child);
    return space?.room;
  }

  async #space(roomId: string, serverNames: string[]): Promise<GetRemoteSpaceResponse | undefined> {
    try {
      return await this.owners.remoteQueries.getSpace({ roomId, serverNames });
    } catch {
      // Whatever keeps one room from us keeps nobody from the others.
      return undefined;
    }
  }

  /** Our server may see it; whether the user may is for us to say. */
  async #mayBeShown({ summaryJson }: RemoteRoomSummary, membership: string): Promise<boolean> {
    const { join_rule, world_readable, allowed_room_ids } = JSON.parse(summaryJson) as JsonObject;
    if (membership === 'invite' || world_readable === true || OPEN_RULES.has(String(join_rule ?? 'public')))
      return true;
    if (!Array.isArray(allowed_room_ids)) return false;
    const joined = await this.#joinedRooms();
    return allowed_room_ids.some((roomId) => joined.has(String(roomId)));
  }

  #joinedRooms(): Promise<ReadonlySet<string>> {
    this.#joined ??= this.owners.roomReads
      .listMemberships({ userId: this.userId, memberships: ['join'] })
      .then(({ rooms }) => new Set(rooms.map(({ roomId }) => roomId)));
    return this.#joined;
  }
}

function isSpace({ summaryJson }: RemoteRoomSummary): boolean {
  return (JSON.parse(summaryJson) as JsonObject).room_type === 'm.space';
}
