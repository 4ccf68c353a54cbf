import { mayServerSeeEvent, type Pdu, type RoomVersionRules, redactEvent } from '@ganglion/protocol';
import type { RoomStore } from '../ports.js';
import type { States } from '../state/states.js';
import type { FederationRows, ServableEvent } from './federation-rows.js';

export interface VisibilityDependencies {
  readonly store: RoomStore;
  readonly rows: FederationRows;
  readonly states: States;
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
  return isRedacted ? JSON.stringify(redactEvent(JSON.parse(json) as Pdu, rules)) : json;
}

/**
 * What a server that is in a room may see of some of its events: each as it was made, or redacted where none of its users may
 * see it, or where somebody has redacted it.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
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
    const events = await this.deps.rows.events(this.roomNid, nids);
    const served = new Map<number, ServedEvent>();
    for (const event of events) served.set(event.nid, await this.#serve(event));
    return nids.flatMap((nid) => served.get(nid) ?? []);
  }

  async #serve(event: ServableEvent): Promise<ServedEvent> {
    const isHidden = !(await this.#maySee(event));
    return {
      eventId: event.eventId,
      pduJson: shownJson({ ...event, isRedacted: event.isRedacted || isHidden }, this.rules),
    };
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
