import type { JsonObject } from '@ganglion/protocol';

/** The memberships that a user takes by an event which another server offers. */
export type EnteredMembership = 'join' | 'leave' | 'knock';

/** Which server is asked, on behalf of which of ours. */
export interface Handshake {
  readonly server: string;
  readonly as: string;
  readonly roomId: string;
}

/**
 * What is asked of other servers to enter and leave their rooms. Each is hostile: what it answers is as it came.
 * All of them throw a MatrixError: what the server said when it refused, M_UNKNOWN with 502 when it could not be asked.
 */
export interface Handshakes {
  /** The event to sign. @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms */
  make(handshake: Handshake, membership: EnteredMembership, userId: string): Promise<JsonObject>;
  /** Gives the signed event to the server. @param options.omitMembers of a join: most members need not be told with it */
  send(
    handshake: Handshake,
    membership: EnteredMembership,
    eventId: string,
    pdu: JsonObject,
    options?: { readonly omitMembers?: boolean },
  ): Promise<JsonObject>;
  /** The invite with the signature of the server of whoever is invited. */
  invite(handshake: Handshake, eventId: string, invite: InviteOffer): Promise<JsonObject>;
}

/** A room that was joined without most of its members, who are to be asked for. */
export interface PartialJoin {
  readonly roomId: string;
  /** The event that it was joined with. */
  readonly eventId: string;
  /** Which of our names has joined. */
  readonly as: string;
  /** Whom to ask: first who let us in. */
  readonly servers: readonly string[];
  /** How often nobody has told. */
  readonly failures: number;
}

/** What is left to do of joins, for whichever replica. */
export interface PartialJoins {
  /** Remembers one before it begins, so that it is ended even if whoever began it dies. It is begun by whoever calls. */
  add(join: Omit<PartialJoin, 'failures'>, holder: string): Promise<void>;
  /** Takes one that nobody works on; undefined when there is none, or none whose time has come. */
  take(holder: string): Promise<PartialJoin | undefined>;
  /** Goes on having it. */
  keep(join: PartialJoin, holder: string): Promise<void>;
  /** It is to be tried again after so many milliseconds, with the failures that it has by then. */
  postpone(join: PartialJoin, holder: string, ms: number): Promise<void>;
  end(roomId: string, eventId: string): Promise<void>;
}

/** An invite, with what the invited user may know of the room. */
export interface InviteOffer {
  readonly roomVersion: string;
  readonly pdu: JsonObject;
  readonly inviteRoomState: readonly JsonObject[];
}
