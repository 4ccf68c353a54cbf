import {
  isJsonObject,
  mayServerSeeEvent,
  type Pdu,
  type RoomVersionRules,
  redactContent,
  redactEventJson,
} from '@ganglion/protocol';
import type { FederationRows } from '../ports/federation-rows.js';
import type { RoomStore } from '../ports/rooms.js';
import type { States } from '../state/states.js';
import type { ErasedUsers } from './erased-users.js';
import type { ServableEvent } from './servable-event.js';

export interface VisibilityDependencies {
  readonly store: RoomStore;
  readonly rows: FederationRows;
  readonly states: States;
  readonly erased: Pick<ErasedUsers, 'known'>;
}

/** Under these, whoever is in the room now may see what was before. */
const OPEN: ReadonlySet<string | undefined> = new Set(['shared', 'world_readable']);
/** So many users of a server are looked at together: mostly the first ones tell. */
const USERS_AT_ONCE = 100;

/** An event as a server gets it. */
export interface ServedEvent {
  readonly eventId: string;
  readonly pduJson: string;
}

/** An event as it may be given to other servers: as it was made, unless something has redacted it. */
export function shownJson(
  { json, isRedacted }: Pick<ServableEvent, 'json' | 'isRedacted'>,
  rules: RoomVersionRules,
): string {
  return isRedacted ? redactEventJson(json, rules) : json;
}

/**
 * What a server that is in a room may see of some of its events: each as it was made, or redacted where none of its users may
 * see it, or where somebody has redacted it. Of users of ours who were erased, servers that had nobody in the room get redacted
 * copies of what they have said.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export class ServerVisibility {
  readonly #memberships = new Map<number, Promise<ReadonlySet<string>>>();
  #users: Promise<readonly number[]> | undefined;

  constructor(
    private readonly deps: VisibilityDependencies,
    private readonly roomNid: number,
    private readonly serverName: string,
    private readonly rules: RoomVersionRules,
  ) {}

  /** Events by their numbers, in that order; what may not be told of is left out. */
  async serve(nids: readonly number[]): Promise<ServedEvent[]> {
    const [events, erased] = await Promise.all([this.deps.rows.events(this.roomNid, nids), this.deps.erased.known()]);
    const served = new Map<number, ServedEvent>();
    for (const event of events) served.set(event.nid, await this.#serve(event, erased));
    return nids.flatMap((nid) => served.get(nid) ?? []);
  }

  async #serve(event: ServableEvent, erased: ReadonlySet<string>): Promise<ServedEvent> {
    const isHidden = !(await this.#maySee(event)) || (erased.has(event.sender) && (await this.#isErased(event)));
    return {
      eventId: event.eventId,
      pduJson: shownJson({ ...event, isRedacted: event.isRedacted || isHidden }, this.rules),
    };
  }

  /** Whether of somebody who was erased the server gets an event redacted: it was not there, and the room goes on without it. */
  async #isErased({ isState, json, stateBeforeNid, stateAfterNid }: ServableEvent): Promise<boolean> {
    if (isState && !isMereMember(json, this.rules)) return false;
    for (const nid of [stateBeforeNid, stateAfterNid]) if ((await this.#membershipsIn(nid)).has('join')) return false;
    return true;
  }

  async #maySee(event: ServableEvent): Promise<boolean> {
    const { visibility, previousVisibility, stateBeforeNid, stateAfterNid } = event;
    // State is for all who are in the room; what has no place in it is state, or authorises some.
    if (event.isState || stateAfterNid === undefined) return true;
    if (OPEN.has(visibility) || OPEN.has(previousVisibility)) return true;
    const at = await Promise.all([stateBeforeNid, stateAfterNid].map((nid) => this.#membershipsIn(nid)));
    const membershipsAtEvent = at.flatMap((memberships) => [...memberships]);
    return mayServerSeeEvent({ visibility, previousVisibility, membershipsAtEvent, joinedLater: true });
  }

  /** What the server's users are in a state, as far as it matters: nobody can be more than joined. */
  #membershipsIn(stateNid: number | undefined): Promise<ReadonlySet<string>> {
    if (stateNid === undefined) return Promise.resolve(new Set<string>());
    let known = this.#memberships.get(stateNid);
    if (known === undefined) {
      known = this.#readMemberships(stateNid);
      this.#memberships.set(stateNid, known);
    }
    return known;
  }

  async #readMemberships(stateNid: number): Promise<ReadonlySet<string>> {
    const { states, store } = this.deps;
    this.#users ??= store.membersOf(this.roomNid, [this.serverName]).then((users) => users.map(({ keyNid }) => keyNid));
    const users = await this.#users;
    const found = new Set<string>();
    for (let first = 0; first < users.length && !found.has('join'); first += USERS_AT_ONCE) {
      const entries = await states.lookUp(this.roomNid, stateNid, users.slice(first, first + USERS_AT_ONCE));
      const events = await store.summaries(this.roomNid, [...entries.values()]);
      for (const { membership } of events.values()) if (membership !== undefined) found.add(membership);
    }
    return found;
  }
}

/** What beside the membership is looked at when an m.room.member event, or one after it, is authorised. */
const AUTHORISING = ['third_party_invite', 'join_authorised_via_users_server'];

/**
 * Whether a state event tells of nothing but somebody's membership. All else is the room's: who has set it up may be gone, its
 * encryption and its server ACL stay; and a membership has to be authorised by whoever gets it.
 */
function isMereMember(json: string, rules: RoomVersionRules): boolean {
  const { type, content } = JSON.parse(json) as Pdu;
  if (type !== 'm.room.member' || !isJsonObject(content)) return false;
  const kept = redactContent(type, content, rules);
  return AUTHORISING.every((key) => (content[key] === undefined) === (kept[key] === undefined));
}
