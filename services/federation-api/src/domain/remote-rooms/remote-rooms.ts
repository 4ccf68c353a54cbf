import { MatrixError } from '@ganglion/contracts';
import {
  canonicalJsonString,
  domainOf,
  exactJson,
  hashAndSignEvent,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  parseJson,
  type RoomVersionRules,
  roomVersionRules,
  type SignedEvent,
  type SigningKey,
  strippedState,
} from '@ganglion/protocol';
import { byAuth } from '../pdus/by-auth.js';
import { isVerified, type VerifiedPdu } from '../pdus/pdu-verifier.js';
import type { EnteredMembership, Handshake, Handshakes } from '../ports/remote-rooms.js';
import { takeGivenRoom } from './given-room.js';
import { oneAfterTheOther, type ServersToTry } from './one-after-the-other.js';
import { checkAccepted, type PlacingDependencies, placeWithoutMembers, unusable } from './place-without-members.js';
import { eventFromTemplate } from './template.js';

export interface RemoteRoomsDependencies extends PlacingDependencies {
  readonly handshakes: Handshakes;
  readonly signingKeys: ReadonlyMap<string, SigningKey>;
  /** Which servers are asked at all. */
  readonly allows: (serverName: string) => boolean;
  readonly logger: { info(fields: object, message: string): void };
}

/** What one of our users wants of a room that we do not take part in. */
export interface Entry {
  readonly roomId: string;
  readonly userId: string;
  readonly serverNames: readonly string[];
  /** Further keys of the content. */
  readonly content: JsonObject;
  /** Whether a guest wants it, whom not every room lets in. */
  readonly guest?: boolean | undefined;
}

/** What the room server takes at once. */
const PIECE = 500;

/** Enters and leaves rooms by way of servers that are in them. @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms */
export class RemoteRooms {
  constructor(private readonly deps: RemoteRoomsDependencies) {}

  /** @throws MatrixError as the servers refuse, M_NOT_FOUND when there is none, M_GUEST_ACCESS_FORBIDDEN */
  async join(entry: Entry): Promise<void> {
    await this.#checkMayEnter(entry);
    await oneAfterTheOther(await this.#servers(entry), (server) => this.#joinThrough(server, entry));
  }

  /** @throws MatrixError as the servers refuse, M_NOT_FOUND when there is none */
  async knock(entry: Entry): Promise<void> {
    await this.#checkMayEnter(entry);
    await oneAfterTheOther(await this.#servers(entry), async (server) => {
      const { handshake, rules, signed } = await this.#sign(server, 'knock', entry);
      const answer = await this.#send(handshake, 'knock', signed, rules);
      const shown = answer.knock_room_state ?? answer.knock_state_events;
      await this.#tell(entry.roomId, rules, signed, Array.isArray(shown) ? shown : []);
    });
  }

  /** @throws MatrixError when no server takes it: the caller leaves without */
  async leave(entry: Entry): Promise<void> {
    await oneAfterTheOther(await this.#servers(entry), (server) => this.#leaveThrough(server, entry));
  }

  /** The id of the invite. @throws MatrixError as the other server refuses, M_FORBIDDEN when the sender may not invite */
  async invite(roomId: string, sender: string, target: string, content: JsonObject): Promise<string> {
    const { intake, handshakes, pdus } = this.deps;
    const made = await intake.makeInvite({ roomId, sender, target, contentJson: JSON.stringify(content) });
    const rules = rulesOf(made.roomVersion);
    const handshake = { server: domainOf(target), as: domainOf(sender), roomId };
    const answer = await handshakes.invite(handshake, made.eventId, {
      roomVersion: made.roomVersion,
      pdu: parseJson(made.pduJson) as JsonObject,
      inviteRoomState: made.inviteRoomStateJson.map((text) => parseJson(text) as JsonObject),
    });
    const [verdict] = await pdus.verify([answer], roomId, rules, { alsoSigner: handshake.server });
    if (verdict === undefined || !isVerified(verdict) || verdict.eventId !== made.eventId) {
      throw unusable(`${handshake.server} has not signed the invite that it was given`);
    }
    const { outcomes } = await intake.receivePdus({ roomId, pdusJson: [verdict.json], backfill: false });
    checkAccepted(outcomes[0]);
    return made.eventId;
  }

  async #joinThrough(server: string, entry: Entry): Promise<void> {
    const { handshake, rules, signed } = await this.#sign(server, 'join', entry);
    const { roomId, userId } = entry;
    const { hasState, roomVersion } = await this.deps.intake.getStanding({ roomId, userId });
    if (hasState && roomVersion !== rules.id) throw unusable(`${server} says that the room has version ${rules.id}`);
    // What we have of a room would have to be resolved with a state that is not whole.
    const omitMembers = hasState === false && rules.stateResolution !== 'v1';
    const answer = await this.#send(handshake, 'join', signed, rules, { omitMembers });
    if (entry.guest) await this.#checkLetsGuestsIn(answer, rules, server, entry);
    const join = await this.#ownJoin(answer, signed, roomId, rules);
    const keep = (pdus: readonly VerifiedPdu[]) => this.#keep(roomId, rules, pdus);
    const given = await takeGivenRoom(answer, this.deps.pdus, roomId, rules, keep);
    if (answer.members_omitted === true) {
      await placeWithoutMembers(this.deps, { handshake, rules, join, given, servers: answer.servers_in_room });
    } else {
      const { outcomes } = await this.deps.intake.placeWithState({
        ...{ roomId, pduJson: join.json, backfill: false, stateEventIds: [...given.stateEventIds] },
      });
      checkAccepted(outcomes[0]);
    }
    this.deps.logger.info({ room_id: roomId, server, events: given.size }, 'joined a room of other servers');
  }

  async #leaveThrough(server: string, entry: Entry): Promise<void> {
    const { handshake, rules, signed } = await this.#sign(server, 'leave', entry);
    await this.#send(handshake, 'leave', signed, rules);
    await this.#tell(entry.roomId, rules, signed, []);
  }

  /**
   * A room says whether it lets guests in only once they are there: whoever should not have come leaves, and nothing of it is kept.
   *
   * @throws MatrixError M_GUEST_ACCESS_FORBIDDEN
   * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
   */
  async #checkLetsGuestsIn(answer: JsonObject, rules: RoomVersionRules, server: string, entry: Entry): Promise<void> {
    const { pdus, logger } = this.deps;
    const { roomId } = entry;
    const state = Array.isArray(answer.state) ? answer.state.filter(isJsonObject) : [];
    const said = state.filter(({ type, state_key }) => type === 'm.room.guest_access' && state_key === '').slice(0, 1);
    const [verdict] = await pdus.verify(said, roomId, rules);
    const isLetIn = verdict !== undefined && isVerified(verdict) && verdict.pdu.content.guest_access === 'can_join';
    if (isLetIn) return;
    await this.#leaveThrough(server, { ...entry, content: {} }).catch((error: unknown) => {
      logger.info({ err: error, room_id: roomId, server }, 'a guest could not leave a room that lets no guests in');
    });
    throw new MatrixError(403, 'M_GUEST_ACCESS_FORBIDDEN', 'This room does not let guests in');
  }

  /** Whoever authorises a restricted join signs it too; apart from that it must be the event that we have sent. */
  async #ownJoin(
    answer: JsonObject,
    signed: SignedEvent,
    roomId: string,
    rules: RoomVersionRules,
  ): Promise<VerifiedPdu> {
    const { event } = answer;
    const given = isJsonObject(event) ? event : (signed.pdu as unknown as JsonObject);
    const own = signed.pdu as unknown as JsonObject;
    const signatures = { ...(isJsonObject(given.signatures) ? given.signatures : {}), ...signed.pdu.signatures };
    const [verdict] = await this.deps.pdus.verify([{ ...own, signatures }], roomId, rules);
    if (verdict !== undefined && isVerified(verdict) && verdict.eventId === signed.eventId) return verdict;
    throw unusable('The other server has not signed our join as it must be signed');
  }

  async #sign(server: string, membership: EnteredMembership, entry: Entry) {
    const { roomId, userId, content } = entry;
    const as = domainOf(userId);
    const key = this.deps.signingKeys.get(as);
    if (key === undefined) throw new Error(`${as} has no signing key here`);
    const handshake: Handshake = { server, as, roomId };
    const answer = await this.deps.handshakes.make(handshake, membership, userId);
    const wanted = { roomId, userId, membership, content, now: Date.now() };
    const { rules, event } = eventFromTemplate(answer, wanted);
    return { handshake, rules, signed: hashAndSignEvent(event, rules, as, key) };
  }

  #send(
    handshake: Handshake,
    membership: EnteredMembership,
    { eventId, pdu }: SignedEvent,
    rules: RoomVersionRules,
    options: { readonly omitMembers?: boolean } = {},
  ) {
    const event = rules.eventIdFormat === 'in-event' ? pdu : { ...pdu, event_id: undefined };
    const { event_id: _, ...rest } = event;
    const sent = rules.eventIdFormat === 'in-event' ? event : rest;
    return this.deps.handshakes.send(handshake, membership, eventId, sent as unknown as JsonObject, options);
  }

  /** Those that could not be kept: they name events that nobody has proven yet. */
  async #keep(roomId: string, rules: RoomVersionRules, pdus: readonly VerifiedPdu[]): Promise<VerifiedPdu[]> {
    const ordered = byAuth(pdus);
    const left: VerifiedPdu[] = [];
    for (let first = 0; first < ordered.length; first += PIECE) {
      const piece = ordered.slice(first, first + PIECE);
      const pdusJson = piece.map(({ json }) => json);
      const { outcomes } = await this.deps.intake.storeOutliers({ roomId, pdusJson, roomVersion: rules.id });
      left.push(...piece.filter((_, index) => (outcomes[index]?.missingEventIds.length ?? 1) > 0));
    }
    return left;
  }

  /** Tells our user of what they did in a room that we do not take part in. */
  async #tell(
    roomId: string,
    rules: RoomVersionRules,
    signed: SignedEvent,
    shown: readonly JsonValue[],
  ): Promise<void> {
    const stripped = shown.flatMap(strippedOrNothing);
    await this.deps.intake.putOutOfBandMembership({
      ...{ roomId, roomVersion: rules.id, strippedStateJson: exactJson.stringify(stripped) },
      pduJson: canonicalJsonString(signed.pdu as unknown as JsonObject, { strict: false }),
    });
  }

  /** @throws MatrixError M_FORBIDDEN for a room that the operator has blocked */
  async #checkMayEnter({ roomId, userId }: Entry): Promise<void> {
    const { blocked = false } = await this.deps.intake.getStanding({ roomId, userId });
    if (blocked) throw new MatrixError(403, 'M_FORBIDDEN', 'This room is blocked by the administrators of this server');
  }

  /**
   * First those that were named, then those that are known to be in the room. Of a room that is not known at all there is only
   * a guess, by its id: whoever names servers means these.
   */
  async #servers({ roomId, userId, serverNames }: Entry): Promise<ServersToTry> {
    const { roomVersion, servers } = await this.deps.intake.getStanding({ roomId, userId });
    const known = roomVersion === '' && serverNames.length > 0 ? [] : servers;
    const mayAsk = (name: string) => !this.deps.signingKeys.has(name) && this.deps.allows(name);
    return { first: serverNames.filter(mayAsk), others: known.filter(mayAsk) };
  }
}

function strippedOrNothing(event: JsonValue): object[] {
  try {
    return [strippedState(event)];
  } catch {
    return [];
  }
}

function rulesOf(version: string): RoomVersionRules {
  const rules = roomVersionRules(version);
  if (rules === undefined) throw new Error(`room version ${version} is not known`);
  return rules;
}
