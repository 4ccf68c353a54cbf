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
  /** Gives the signed event to the server. */
  send(handshake: Handshake, membership: EnteredMembership, eventId: string, pdu: JsonObject): Promise<JsonObject>;
  /** The invite with the signature of the server of whoever is invited. */
  invite(handshake: Handshake, eventId: string, invite: InviteOffer): Promise<JsonObject>;
}

/** An invite, with what the invited user may know of the room. */
export interface InviteOffer {
  readonly roomVersion: string;
  readonly pdu: JsonObject;
  readonly inviteRoomState: readonly JsonObject[];
}
