import {
  type AuthState,
  authTypesForEvent,
  checkAuth,
  type EventLookup,
  type JsonObject,
  type Pdu,
  type RoomEvent,
  type RoomVersionRules,
  resolveState,
  type StateMap,
  type StateTuple,
  stateTuple,
} from '../../src/index.js';

/** An event as a scenario writes it down. */
export interface Sketch {
  readonly sender: string;
  readonly type: string;
  readonly state_key?: string;
  readonly content: JsonObject;
  /** `origin_server_ts`; by default the place in the list of events. */
  readonly at?: number;
  /** Names of its auth events; by default what the state before it holds of the selection. */
  readonly auth?: readonly string[];
  readonly rejected?: boolean;
}

export type Sketches = Readonly<Record<string, Sketch>>;

export const ALICE = '@alice:a.example';
export const BOB = '@bob:b.example';
export const CHARLIE = '@charlie:c.example';
export const ELLA = '@ella:e.example';
export const ZARA = '@zara:z.example';

type More = Pick<Sketch, 'at' | 'auth' | 'rejected'>;

export const says = (sender: string): Sketch => ({ sender, type: 'm.room.message', content: {} });
export const state = (sender: string, type: string, content: JsonObject, more: More = {}): Sketch => ({
  sender,
  type,
  state_key: '',
  content,
  ...more,
});
export const power = (sender: string, users: JsonObject, content: JsonObject = {}, more: More = {}): Sketch =>
  state(sender, 'm.room.power_levels', { users, ...content }, more);
export const joinRule = (sender: string, rule: string, more: More = {}): Sketch =>
  state(sender, 'm.room.join_rules', { join_rule: rule }, more);
export const topic = (sender: string, more: More = {}): Sketch => state(sender, 'm.room.topic', { topic: 'x' }, more);
const membership = (sender: string, target: string, value: string, more: More = {}): Sketch => ({
  sender,
  type: 'm.room.member',
  state_key: target,
  content: { membership: value },
  ...more,
});
export const joins = (user: string, more: More = {}): Sketch => membership(user, user, 'join', more);
export const leaves = (user: string, more: More = {}): Sketch => membership(user, user, 'leave', more);
export const bans = (sender: string, target: string, more: More = {}): Sketch =>
  membership(sender, target, 'ban', more);
export const kicks = (sender: string, target: string, more: More = {}): Sketch =>
  membership(sender, target, 'leave', more);
export const invites = (sender: string, target: string, more: More = {}): Sketch =>
  membership(sender, target, 'invite', more);

/** What every scenario begins with: Alice made the room, everybody but Ella is in it, and anybody may join. */
const BEGINNING: Sketches = {
  CREATE: state(ALICE, 'm.room.create', { creator: ALICE }),
  IMA: joins(ALICE),
  IPOWER: power(ALICE, { [ALICE]: 100 }),
  IJR: joinRule(ALICE, 'public'),
  IMB: joins(BOB),
  IMC: joins(CHARLIE),
  IMZ: joins(ZARA),
  START: says(ZARA),
};
const BEGINNING_EDGE = Object.keys(BEGINNING).join(' > ');

/** A room's events by name, each with the state before and after it. */
export class Room implements EventLookup {
  private readonly events = new Map<string, RoomEvent>();
  private readonly after = new Map<string, StateMap<string>>();

  constructor(
    readonly rules: RoomVersionRules,
    sketches: Sketches,
    edges: readonly string[],
    beginning: Sketches = BEGINNING,
    beginningEdge: string = BEGINNING_EDGE,
  ) {
    const all = { ...beginning, ...sketches };
    const previous = previousEvents(Object.keys(all), beginningEdge === '' ? edges : [beginningEdge, ...edges]);
    for (const name of inOrder(previous))
      this.add(name, all[name]!, previous.get(name)!, Object.keys(all).indexOf(name));
  }

  id(name: string): string {
    return this.rules.eventIdFormat === 'in-event' ? `$${name}:a.example` : `$${name}`;
  }

  /** Strict: nothing may be asked for that the room never had. */
  event(eventId: string): RoomEvent {
    const event = this.events.get(eventId);
    if (event === undefined) throw new Error(`no event ${eventId}`);
    return event;
  }

  get names(): string[] {
    return [...this.after.keys()];
  }

  stateAfter(name: string): StateMap<string> {
    return this.after.get(name)!;
  }

  resolve(...states: readonly StateMap<string>[]): StateMap<string> {
    return resolveState(states, this, this.rules);
  }

  /** The state that the events with these names make. */
  stateWith(names: readonly string[]): StateMap<string> {
    return new Map(names.map((name) => [this.tupleOf(name), this.id(name)]));
  }

  tupleOf(name: string): StateTuple {
    const { type, state_key } = this.event(this.id(name)).pdu;
    return stateTuple(type, state_key!);
  }

  private lookIn(state: StateMap<string>): AuthState {
    return (type, stateKey) => {
      const eventId = state.get(stateTuple(type, stateKey));
      return eventId === undefined ? undefined : this.event(eventId);
    };
  }

  private add(name: string, sketch: Sketch, previous: readonly string[], place: number): void {
    const before = previous.length === 0 ? new Map() : this.resolve(...previous.map((each) => this.stateAfter(each)));
    const event = this.roomEvent(name, sketch, previous, before, place);
    const refused = !checkAuth(event, this.lookIn(before), this.rules).allowed;
    this.events.set(event.eventId, refused ? { ...event, rejected: true } : event);
    const after = new Map(before);
    if (sketch.state_key !== undefined && !refused) after.set(this.tupleOf(name), event.eventId);
    this.after.set(name, after);
  }

  private roomEvent(
    name: string,
    sketch: Sketch,
    previous: readonly string[],
    before: StateMap<string>,
    place: number,
  ): RoomEvent {
    const { at, auth, rejected = false, ...given } = sketch;
    const roomId = this.rules.roomIdIsCreateHash ? '!CREATE' : '!room:a.example';
    const outline = { ...given, content: this.contentOf(given.content) };
    const selected = authTypesForEvent(outline, this.rules).map(([type, key]) => before.get(stateTuple(type, key)));
    const authEvents = auth === undefined ? selected.filter((each) => each !== undefined) : this.authIds(auth);
    const prevEvents = previous.map((each) => this.id(each));
    const depth = 1 + Math.max(0, ...prevEvents.map((each) => this.event(each).pdu.depth));
    const pdu: Pdu = {
      ...outline,
      ...(given.type === 'm.room.create' && this.rules.roomIdIsCreateHash ? {} : { room_id: roomId }),
      depth,
      origin_server_ts: at ?? place,
      prev_events: this.references(prevEvents),
      auth_events: this.references(authEvents),
      hashes: { sha256: '' },
      signatures: {},
    };
    return { eventId: this.id(name), roomId, pdu, rejected };
  }

  private authIds(names: readonly string[]): string[] {
    const listed = this.rules.roomIdIsCreateHash ? names.filter((name) => name !== 'CREATE') : names;
    return listed.map((name) => this.id(name));
  }

  private references(ids: readonly string[]): Pdu['prev_events'] {
    return this.rules.eventIdFormat === 'in-event' ? ids.map((id) => [id, {}] as const) : ids;
  }

  /** Alice, who made the room, has no place in the users of version 12. */
  private contentOf(content: JsonObject): JsonObject {
    if (!this.rules.privilegedCreators || content.users === undefined) return content;
    const { [ALICE]: _creator, ...users } = content.users as JsonObject;
    return { ...content, users };
  }
}

/** Edges are written from old to new: "START > A > B". */
function previousEvents(names: readonly string[], edges: readonly string[]): Map<string, string[]> {
  const previous = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const edge of edges) {
    const path = edge.split(' > ');
    for (const [index, name] of path.entries()) {
      const known = previous.get(name);
      if (known === undefined) throw new Error(`no event ${name}`);
      if (index > 0 && !known.includes(path[index - 1]!)) known.push(path[index - 1]!);
    }
  }
  return previous;
}

function inOrder(previous: ReadonlyMap<string, readonly string[]>): string[] {
  const ordered = new Set<string>();
  while (ordered.size < previous.size) {
    const next = [...previous].find(
      ([name, before]) => !ordered.has(name) && before.every((each) => ordered.has(each)),
    );
    if (next === undefined) throw new Error('the edges make a circle');
    ordered.add(next[0]);
  }
  return [...ordered];
}
