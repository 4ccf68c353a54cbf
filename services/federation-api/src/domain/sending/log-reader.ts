import type { LoggedEvent, RoomIntake, RoomLog } from '@ganglion/contracts/room';
import { domainOf, isJsonObject, isValidUserId, type JsonObject } from '@ganglion/protocol';
import type { NewNeighbours } from './new-neighbours.js';
import type { OutgoingPdu, Route, SenderLog } from './ports.js';

export interface LogReaderDependencies {
  readonly roomLog: Pick<RoomLog, 'listRoomHeads' | 'getRoomEvents'>;
  readonly intake: Pick<RoomIntake, 'listRoomServers'>;
  readonly log: SenderLog;
  readonly neighbours: Pick<NewNeighbours, 'edus'>;
  readonly isOurs: (serverName: string) => boolean;
  readonly allows: (serverName: string) => boolean;
  readonly logger: { error(fields: object, message: string): void };
}

const ROOMS_A_PAGE = 500;
const EVENTS_A_PAGE = 100;

/**
 * Reads what is new in the log of every room and queues what other servers have to hear of: our users' events, and those that we have
 * taken into a room for another server. The log is the truth; whatever wakes the reader says only that it is worth looking.
 */
export class LogReader {
  #cursor: number | undefined;

  constructor(private readonly deps: LogReaderDependencies) {}

  /** Begins where whoever read before has ended. */
  begin(): void {
    this.#cursor = undefined;
  }

  /** Reads to the end of the log. */
  async read(signal: AbortSignal): Promise<void> {
    this.#cursor ??= await this.deps.log.cursor();
    const isFirst = this.#cursor === undefined;
    let next: number | undefined;
    for (let afterRoom: number | undefined = 0; afterRoom !== undefined; ) {
      const page = { sinceCursor: this.#cursor ?? 0, afterRoom, limit: ROOMS_A_PAGE };
      const { heads, cursor, nextRoom } = await this.deps.roomLog.listRoomHeads(page);
      next ??= cursor;
      afterRoom = nextRoom;
      // What was said before there was a sender was said to nobody else.
      if (isFirst) await this.deps.log.skip(heads);
      else await this.#readRooms(heads);
      if (signal.aborted) return;
    }
    if (next === undefined || next === this.#cursor) return;
    await this.deps.log.saveCursor(next);
    this.#cursor = next;
  }

  async #readRooms(heads: readonly { roomId: string; roomSeq: number }[]): Promise<void> {
    const known = await this.deps.log.roomSeqs(heads.map(({ roomId }) => roomId));
    for (const { roomId, roomSeq } of heads) {
      for (let seq = known.get(roomId) ?? 0; seq < roomSeq; ) seq = (await this.#readAfter(roomId, seq)) ?? roomSeq;
    }
  }

  /** The room_seq of the last event that was read; undefined when there is none. */
  async #readAfter(roomId: string, afterSeq: number): Promise<number | undefined> {
    const page = { roomId, afterSeq, limit: EVENTS_A_PAGE, backfilled: false };
    const { events } = await this.deps.roomLog.getRoomEvents(page);
    const last = events?.events.at(-1)?.roomSeq;
    if (events === undefined || last === undefined) return undefined;
    const own = events.events.filter((event) => this.#isOfOurs(event));
    const told = events.events.filter((event) => this.#isToTell(event));
    if (own.length + told.length === 0) {
      await this.deps.log.append(roomId, last, [], []);
      return last;
    }
    const { serverNames } = await this.deps.intake.listRoomServers({ roomId });
    const pdus = told.map((event) => this.#outgoing(event, serverNames));
    await this.deps.log.append(roomId, last, pdus, await this.deps.neighbours.edus(roomId, own, serverNames));
    return last;
  }

  #isToTell(event: LoggedEvent): boolean {
    const { relayFor, strippedStateJson } = event;
    if (strippedStateJson !== undefined) return false;
    return relayFor === undefined ? this.#isOfOurs(event) : relayFor !== '';
  }

  #isOfOurs({ pduJson, strippedStateJson }: LoggedEvent): boolean {
    const { sender } = JSON.parse(pduJson) as { sender: string };
    return strippedStateJson === undefined && isValidUserId(sender) && this.deps.isOurs(domainOf(sender));
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

/** Who was just put out of the room is no longer in it, and has to hear of that. */
function concerned({ type, state_key: target, content }: JsonObject): string[] {
  const isMember = type === 'm.room.member' && isValidUserId(target) && isJsonObject(content);
  const isOut = isMember && (content.membership === 'leave' || content.membership === 'ban');
  return isOut ? [domainOf(target)] : [];
}
