import { isUnknownCall } from '@ganglion/contracts';
import type { LoggedEvent, RoomEvents, RoomIntake, RoomLog, RoomPlace, ServersOfRoom } from '@ganglion/contracts/room';
import { domainOf, isJsonObject, isValidUserId, type JsonObject } from '@ganglion/protocol';
import type { MissedRoom, OutgoingPdu, Route, SenderLog } from '../ports/sending.js';
import type { NewNeighbours } from './new-neighbours.js';
import { recipients } from './recipients.js';

export interface LogReaderDependencies {
  readonly roomLog: Pick<RoomLog, 'listRoomHeads' | 'getNews' | 'getRoomEvents' | 'getEvents'>;
  readonly intake: Pick<RoomIntake, 'listServersOfRooms'>;
  readonly log: SenderLog;
  readonly neighbours: Pick<NewNeighbours, 'edus'>;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
  readonly logger: { error(fields: object, message: string): void };
}

const ROOMS_A_PAGE = 500;
const EVENTS_AT_ONCE = 200;
/** Whoever reads after this one reads so much again, and finds of each room how far it was read. */
const READINGS_A_CURSOR = 20;

/**
 * Reads what is new in the log of every room and queues what other servers have to hear of: our users' events, and those that we have
 * taken into a room for another server. The log is the truth; whatever wakes the reader says only that it is worth looking.
 */
export class LogReader {
  #cursor: number | undefined;
  /** Readings since the cursor was saved. */
  #unsaved = 0;

  constructor(private readonly deps: LogReaderDependencies) {}

  /** Begins where whoever read before has ended. */
  begin(): void {
    this.#cursor = undefined;
  }

  /** Reads to the end of the log. Resolves with whether other servers have to hear of something. */
  async read(signal: AbortSignal): Promise<boolean> {
    this.#cursor ??= await this.deps.log.cursor();
    const isFirst = this.#cursor === undefined;
    let isTold = false;
    let next: number | undefined;
    for (let afterRoom: number | undefined = 0; afterRoom !== undefined; ) {
      const page = { sinceCursor: this.#cursor ?? 0, afterRoom, limit: ROOMS_A_PAGE };
      const { heads, cursor, nextRoom } = await this.deps.roomLog.listRoomHeads(page);
      next ??= cursor;
      afterRoom = nextRoom;
      // What was said before there was a sender was said to nobody else.
      if (isFirst) await this.deps.log.skip(heads);
      else if (await this.#readRooms(heads)) isTold = true;
      if (signal.aborted) return isTold;
    }
    if (next === undefined || next === this.#cursor) return isTold;
    if (isFirst || isTold || ++this.#unsaved >= READINGS_A_CURSOR) await this.#save(next);
    this.#cursor = next;
    return isTold;
  }

  async #save(cursor: number): Promise<void> {
    await this.deps.log.saveCursor(cursor);
    this.#unsaved = 0;
  }

  /** Many rooms at once, so that it costs little for each. */
  async #readRooms(heads: readonly { roomId: string; roomSeq: number }[]): Promise<boolean> {
    let isTold = false;
    const reached = new Map(await this.deps.log.roomSeqs(heads.map(({ roomId }) => roomId)));
    for (let more = true; more; ) {
      const unread = heads.filter(({ roomId, roomSeq }) => (reached.get(roomId) ?? 0) < roomSeq);
      if (unread.length === 0) break;
      const places = unread.map(({ roomId }) => ({ roomId, afterSeq: reached.get(roomId) ?? 0 }));
      const news = await this.#news(places);
      if (await this.#append(news.rooms)) isTold = true;
      for (const { roomId, events } of news.rooms) reached.set(roomId, events.at(-1)!.roomSeq);
      more = news.more;
    }
    return isTold;
  }

  async #news(
    places: readonly RoomPlace[],
  ): Promise<{ readonly rooms: readonly RoomEvents[]; readonly more: boolean }> {
    try {
      return await this.deps.roomLog.getNews({ rooms: [...places], limit: EVENTS_AT_ONCE });
    } catch (error) {
      // A room-server of the release before is asked for one room after the other.
      if (!isUnknownCall(error)) throw error;
      return this.#newsByRoom(places);
    }
  }

  async #newsByRoom(places: readonly RoomPlace[]) {
    const rooms: RoomEvents[] = [];
    let count = 0;
    for (const { roomId, afterSeq } of places) {
      if (count >= EVENTS_AT_ONCE) break;
      const page = { roomId, afterSeq, limit: EVENTS_AT_ONCE, backfilled: false };
      const { events } = await this.deps.roomLog.getRoomEvents(page);
      if (events === undefined || events.events.length === 0) continue;
      rooms.push(events);
      count += events.events.length;
    }
    return { rooms, more: rooms.length > 0 };
  }

  async #append(rooms: readonly RoomEvents[]): Promise<boolean> {
    const ours = new Set(rooms.flatMap(({ events }) => events.filter((event) => this.#isOfOurs(event))));
    const isToTell = (event: LoggedEvent) => isToRelay(event) || (event.relayFor === undefined && ours.has(event));
    const told = new Set(rooms.filter(({ events }) => events.some((event) => ours.has(event) || isToTell(event))));
    const servers = await this.#serversOf([...told].map(({ roomId }) => roomId));
    const silent: MissedRoom[] = [];
    for (const room of rooms) {
      const { roomId, events } = room;
      const roomSeq = events.at(-1)!.roomSeq;
      const now = servers.get(roomId);
      const inRoom = now?.serverNames ?? [];
      const then = told.has(room) && now !== undefined ? await recipients(this.deps.roomLog, now, events) : undefined;
      const pdus = events.filter(isToTell).map((event) => this.#outgoing(event, then?.get(event) ?? inRoom));
      const own = events.filter((event) => ours.has(event));
      const edus = told.has(room) ? await this.deps.neighbours.edus(roomId, own, inRoom) : [];
      const isSilent = edus.length === 0 && pdus.every(({ routes }) => routes.length === 0);
      if (isSilent) silent.push({ roomId, roomSeq });
      else await this.deps.log.append(roomId, roomSeq, pdus, edus);
    }
    await this.deps.log.skip(silent);
    return silent.length < rooms.length;
  }

  async #serversOf(roomIds: string[]): Promise<Map<string, ServersOfRoom>> {
    if (roomIds.length === 0) return new Map();
    const { rooms } = await this.deps.intake.listServersOfRooms({ roomIds });
    return new Map(rooms.map((room) => [room.roomId, room]));
  }

  #isOfOurs({ pduJson, strippedStateJson }: LoggedEvent): boolean {
    if (strippedStateJson !== undefined) return false;
    const { sender } = JSON.parse(pduJson) as { sender: string };
    return isValidUserId(sender) && this.deps.isOurs(domainOf(sender));
  }

  #outgoing({ roomSeq, pduJson, relayFor }: LoggedEvent, inRoom: readonly string[]): OutgoingPdu {
    const pdu = JSON.parse(pduJson) as JsonObject;
    const sender = domainOf(pdu.sender as string);
    const origin = this.deps.isOurs(sender) ? sender : inRoom.find((name) => this.deps.isOurs(name));
    const servers = new Set([...inRoom, ...concerned(pdu)]);
    const others = [...servers].filter(
      (name) => !this.deps.isOurs(name) && name !== relayFor && this.deps.allows(name),
    );
    const routes: Route[] = origin === undefined ? [] : others.map((server) => ({ server, origin }));
    return { roomSeq, json: pduJson, routes };
  }
}

/** What another server gave to us, that it may go to the others. */
function isToRelay({ relayFor, strippedStateJson }: LoggedEvent): boolean {
  return strippedStateJson === undefined && relayFor !== undefined && relayFor !== '';
}

/** Who was just put out of the room is no longer in it, and has to hear of that. */
function concerned({ type, state_key: target, content }: JsonObject): string[] {
  const isMember = type === 'm.room.member' && isValidUserId(target) && isJsonObject(content);
  const isOut = isMember && (content.membership === 'leave' || content.membership === 'ban');
  return isOut ? [domainOf(target)] : [];
}
