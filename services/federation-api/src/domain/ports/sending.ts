import type { JsonObject } from '@ganglion/protocol';

/** One of our names that has something to send to another server. */
export interface Route {
  readonly server: string;
  readonly origin: string;
}

/** An event to send, with whom it is for. */
export interface OutgoingPdu {
  readonly roomSeq: number;
  readonly json: string;
  readonly routes: readonly Route[];
}

/** What is no event, with whom it is for. */
export interface OutgoingEdu {
  /** With its type, as it is sent. */
  readonly json: string;
  /** What it is about: for a server that is away, a later one about the same makes up for it. */
  readonly subject?: string;
  readonly routes: readonly Route[];
}

/** A message to devices that its owner keeps until it is queued. */
export interface TakenMessage {
  /** Different for each. */
  readonly messageId: string;
  readonly edu: OutgoingEdu;
}

/** Messages to devices on their way into the queues. */
export interface TakenMessages {
  /** Queues those that were not taken before. */
  take(messages: readonly TakenMessage[]): Promise<void>;
  /** Their owner has forgotten these, so that nobody takes them again. */
  forget(messageIds: readonly string[]): Promise<void>;
}

/** A route that this replica has to itself for a while. */
export interface Leased extends Route {
  /** It was not reached the last time. */
  readonly isFailing: boolean;
  readonly isBehind: boolean;
}

/** How often in a row a server was not reached, and for how long it is left alone. */
export interface PutOff {
  readonly failures: number;
  readonly waitMs: number;
}

/** What goes into one transaction, as JSON texts. */
export interface Contents {
  readonly pdus: readonly string[];
  readonly edus: readonly string[];
}

/** What is to be sent at once, under an id that stays the same until it has arrived. */
export interface Batch extends Contents {
  readonly txnId: string;
  /** Up to where the server has what passes when it has this; undefined when nothing of that goes along. */
  readonly ephemeraVersion: number | undefined;
  /** All that there was. */
  readonly isAll: boolean;
  /** How much had been queued for the destination by then, ever: so that it is noticed when more comes. */
  readonly work: number;
}

/** A room of which a server has missed something, with the last event that was for it. */
export interface MissedRoom {
  readonly roomId: string;
  readonly roomSeq: number;
}

/** The queues of all destinations, the same for all replicas. */
export interface SendingStore {
  /**
   * Takes routes on which something is due: of servers that were not reached the last time, or of the others. Of these it takes those
   * first that were talked to a moment ago, all but so many, which are for those that were not.
   */
  lease(most: number, areFailing: boolean, forQuiet?: number): Promise<readonly Leased[]>;
  /** Goes on having these. */
  keep(routes: readonly Route[]): Promise<void>;
  /**
   * What is next on a route; undefined when there is nothing, or the route is somebody else's by now. Then it was given back, unless
   * it is to be kept.
   */
  next(route: Route, keeps?: boolean): Promise<Batch | undefined>;
  /**
   * The other server has it.
   *
   * @param finishes the route is to be given back when there is nothing more
   * @returns whether it was
   */
  sent(route: Route, batch: Batch, finishes: boolean): Promise<boolean>;
  /**
   * Leaves the route alone for longer each time, a day at most. Who was not reached for about a minute is behind: from then on only
   * what matters of each room is kept for it.
   */
  failed(route: Route): Promise<PutOff | undefined>;
  /** Leaves what is to be sent to whoever comes next, after all others that wait. */
  giveBack(route: Route): Promise<void>;
  /** Rooms of which a server that is behind has missed something; when there are none, it is no longer behind. */
  missed(route: Route, most: number): Promise<readonly MissedRoom[]>;
  /** @param isReached something of them was sent, and the other server has it */
  caughtUp(route: Route, rooms: readonly MissedRoom[], isReached: boolean): Promise<void>;
  /** A server that was away has been heard of. */
  heardOf(server: string): Promise<void>;
}

/** How far the logs of rooms were read. */
export interface SenderLog {
  /** Undefined before the first time. */
  cursor(): Promise<number | undefined>;
  roomSeqs(roomIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  saveCursor(cursor: number): Promise<void>;
  /** Notes rooms as read to here, with nothing to send. */
  skip(heads: readonly MissedRoom[]): Promise<void>;
  /** Queues events of one room, and what comes with them, and notes how far it was read, all or nothing. */
  append(roomId: string, upToSeq: number, pdus: readonly OutgoingPdu[], edus: readonly OutgoingEdu[]): Promise<void>;
}

/** How far the log of a user's keys was read. */
export interface ReadKeys {
  readonly userId: string;
  readonly keySeq: number;
  /** Of the last update of their devices that other servers were told of; undefined when there was none. */
  readonly streamId: number | undefined;
}

/** How far the logs of keys were read. */
export interface SentKeys {
  /** Undefined before the first time. */
  cursor(): Promise<number | undefined>;
  saveCursor(cursor: number): Promise<void>;
  read(userIds: readonly string[]): Promise<ReadonlyMap<string, ReadKeys>>;
  /** Notes users as read to here, with nothing to send. */
  skip(users: readonly ReadKeys[]): Promise<void>;
  /** Queues what became of one user's keys and notes how far that was read, both or neither. */
  append(user: ReadKeys, edus: readonly OutgoingEdu[]): Promise<void>;
}

/** What passes: of each kind, room, user and thread only the last is kept. */
export interface Ephemeron {
  readonly kind: 'm.receipt' | 'm.typing' | 'm.presence';
  /** The user for what is told wherever they are: their servers stand for those in a room. */
  readonly roomId: string;
  readonly userId: string;
  /** Empty but for receipts of threads. */
  readonly threadId: string;
  /** What `ephemeralEdus` reads. */
  readonly content: JsonObject;
  /** Nobody wants it after that; undefined when it does not get old. */
  readonly lastsMs: number | undefined;
}

/** The other servers in a room. */
export interface RoomServers {
  readonly roomId: string;
  readonly servers: readonly string[];
}

/** What passes and is not sent yet. Whoever is away gets only what came last of it. */
export interface EphemeraStore {
  /** Keeps it for the servers in the rooms, of which there is each that it is about. */
  put(ephemera: readonly Ephemeron[], rooms: readonly RoomServers[]): Promise<void>;
  /** Forgets what nobody gets any more. */
  forgetOld(): Promise<void>;
}

/** Gives transactions to other servers. @throws SendingFailure */
export interface TransactionSender {
  send(route: Route, txnId: string, contents: Contents, signal: AbortSignal): Promise<void>;
}

/** A transaction has not arrived. */
export class SendingFailure extends Error {
  constructor(
    message: string,
    /**
     * Whether the server was `unreached`, or does not want to hear anything; it has `refused` what is in the transaction; or it is
     * `unwanted` by our operator.
     */
    readonly kind: 'unreached' | 'refused' | 'unwanted',
  ) {
    super(message);
  }
}
