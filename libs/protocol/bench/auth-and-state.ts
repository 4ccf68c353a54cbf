/**
 * What authorising an event and resolving the forks of a large room cost. Run it with `node bench/auth-and-state.ts` after
 * `pnpm build`; it exits with an error when a target is missed.
 */
import {
  AuthGraph,
  answerAtOnce,
  answerFrom,
  authTypesForEvent,
  checkAuth,
  checkAuthEvents,
  type JsonObject,
  type Pdu,
  type ResolutionAnswers,
  type RoomEvent,
  type RoomVersionRules,
  resolveConflicts,
  resolveState,
  roomVersionRules,
  type StateMap,
  type StateTuple,
  splitState,
  stateTuple,
} from '@ganglion/protocol';

const TARGET_AUTH_MICROSECONDS = 10;
const TARGET_RESOLUTION_MILLISECONDS = 150;
const MEMBERS = 10_000;
const CHAIN = 100_000;
/** Timers and collections of garbage make even a linear cost look a little steeper. */
const GROWTH_TOLERANCE = 1.25;

const CREATOR = '@creator:a.example';
const user = (index: number) => `@user${index}:s${index % 50}.example`;

/** A room that grows event by event; a fork of it starts from a copy of its state. */
class BenchRoom {
  readonly rules: RoomVersionRules;
  readonly state: Map<StateTuple, string>;
  private readonly events: Map<string, RoomEvent>;

  constructor(rules: RoomVersionRules, parent?: BenchRoom) {
    this.rules = rules;
    this.state = new Map(parent?.state);
    this.events = parent?.events ?? new Map();
  }

  readonly lookup = { event: (eventId: string) => this.events.get(eventId) };

  set(sender: string, type: string, stateKey: string | undefined, content: JsonObject): RoomEvent {
    const isCreate = type === 'm.room.create';
    const outline = { type, sender, content, ...(stateKey === undefined ? {} : { state_key: stateKey }) };
    const authEvents = authTypesForEvent(outline, this.rules)
      .map(([authType, key]) => this.state.get(stateTuple(authType, key)))
      .filter((eventId) => eventId !== undefined);
    const eventId = `$${String(this.events.size).padStart(43, '0')}`;
    const roomId = this.rules.roomIdIsCreateHash ? `!${'0'.repeat(43)}` : '!room:a.example';
    const pdu: Pdu = {
      ...outline,
      ...(isCreate && this.rules.roomIdIsCreateHash ? {} : { room_id: roomId }),
      depth: this.events.size,
      origin_server_ts: 1_700_000_000_000 + this.events.size,
      prev_events: isCreate ? [] : [`$${String(this.events.size - 1).padStart(43, '0')}`],
      auth_events: authEvents,
      hashes: { sha256: '' },
      signatures: {},
    };
    const event = { eventId, roomId, pdu, rejected: false };
    this.events.set(eventId, event);
    if (stateKey !== undefined) this.state.set(stateTuple(type, stateKey), eventId);
    return event;
  }

  authEventsOf({ pdu }: RoomEvent): RoomEvent[] {
    return pdu.auth_events.map((reference) => this.events.get(reference as string)!);
  }
}

function powerLevels(rules: RoomVersionRules, moderators: number, note: number): JsonObject {
  const users = Object.fromEntries(Array.from({ length: moderators }, (_each, index) => [user(index), 50]));
  return {
    users: rules.privilegedCreators ? users : { ...users, [CREATOR]: 100 },
    events: { 'org.example.note': note % 50 },
  };
}

/** A public room with moderators, whose power levels were changed as often as the chain is long. */
function bigRoom(rules: RoomVersionRules, members: number, chain = 1): BenchRoom {
  const room = new BenchRoom(rules);
  room.set(CREATOR, 'm.room.create', '', { creator: CREATOR });
  room.set(CREATOR, 'm.room.member', CREATOR, { membership: 'join' });
  for (let link = 0; link < chain; link++) {
    room.set(CREATOR, 'm.room.power_levels', '', powerLevels(rules, 5, link));
  }
  room.set(CREATOR, 'm.room.join_rules', '', { join_rule: 'public' });
  for (let index = 0; index < members; index++) {
    room.set(user(index), 'm.room.member', user(index), { membership: 'join' });
  }
  return room;
}

/** A side of a fork on which that many entries of the state change: names, bans, topics of all kinds and power levels. */
function fork(room: BenchRoom, side: number, changes: number, members: number): StateMap<string> {
  const own = new BenchRoom(room.rules, room);
  for (let change = 0; change < changes; change++) {
    const target = user(5 + ((change * 2 + (change % 3 === 0 ? 0 : side)) % (members - 5)));
    const moderator = user(change % 5);
    if (change % 100 === 99) own.set(CREATOR, 'm.room.power_levels', '', powerLevels(room.rules, 5, change + side));
    else if (change % 10 === 9) own.set(moderator, 'm.room.member', target, { membership: 'ban' });
    else if (change % 2 === 0) own.set(target, 'm.room.member', target, { membership: 'join', displayname: `${side}` });
    else own.set(moderator, 'org.example.state', `${change}`, { side });
  }
  return own.state;
}

/** The least of several rounds: what else the machine does only ever adds. */
function best(rounds: number, run: () => unknown): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    least = Math.min(least, performance.now() - start);
  }
  return least;
}

function report(name: string, value: number, unit: string, target?: number): void {
  const missed = target !== undefined && value > target;
  if (missed) process.exitCode = 1;
  const verdict = target === undefined ? '' : `target ${target} ${unit}${missed ? ': MISSED' : ''}`;
  console.log(`${name.padEnd(64)} ${value.toFixed(2).padStart(9)} ${unit}  ${verdict}`);
}

function measureAuth(rules: RoomVersionRules): void {
  const room = bigRoom(rules, 20);
  const message = room.set(user(7), 'm.room.message', undefined, { msgtype: 'm.text', body: 'hello' });
  const authEvents = room.authEventsOf(message);
  const create = room.lookup.event(room.state.get(stateTuple('m.room.create', ''))!)!;
  const state = (type: string, stateKey: string) => {
    const eventId = room.state.get(stateTuple(type, stateKey));
    return eventId === undefined ? undefined : room.lookup.event(eventId);
  };
  const calls = 10_000;
  const cost = (run: () => { allowed: boolean }) => {
    if (!run().allowed) throw new Error('the message of the benchmark is refused');
    return (
      (best(30, () => {
        for (let call = 0; call < calls; call++) run();
      }) *
        1000) /
      calls
    );
  };
  const byState = cost(() => checkAuth(message, state, rules));
  const byAuthEvents = cost(() => checkAuthEvents(message, authEvents, rules, { create }));
  report(`v${rules.id}: check a message against the state`, byState, 'µs', TARGET_AUTH_MICROSECONDS);
  report(`v${rules.id}: check a message against its auth events`, byAuthEvents, 'µs', TARGET_AUTH_MICROSECONDS);
}

function conflictsIn(states: readonly StateMap<string>[]): number {
  const [one, other] = states as [StateMap<string>, StateMap<string>];
  const conflicted = new Set<string>();
  for (const state of states) {
    for (const [tuple, eventId] of state) if (one.get(tuple) !== other.get(tuple)) conflicted.add(eventId);
  }
  return conflicted.size;
}

function measureResolution(rules: RoomVersionRules): void {
  const room = bigRoom(rules, MEMBERS);
  const states = [0, 1].map((side) => fork(room, side, 510, MEMBERS));
  const cost = best(10, () => resolveState(states, room.lookup, rules));
  const name = `v${rules.id}: ${MEMBERS} members, ${conflictsIn(states)} events in conflict`;
  report(name, cost, 'ms', TARGET_RESOLUTION_MILLISECONDS);
}

function measureGrowth(rules: RoomVersionRules, chain: number): void {
  const room = bigRoom(rules, MEMBERS, chain);
  const costs = [50, 500, 5000].map((changes) => {
    const states = [0, 1].map((side) => fork(room, side, changes, MEMBERS));
    const events = conflictsIn(states);
    const cost = best(3, () => resolveState(states, room.lookup, rules));
    report(`v${rules.id}: chains ${chain} deep, ${events} events in conflict`, cost, 'ms');
    return { events, cost };
  });
  const [least, , most] = costs as [(typeof costs)[0], unknown, (typeof costs)[0]];
  const allowed = (most.events * Math.log2(most.events)) / (least.events * Math.log2(least.events));
  report(
    `v${rules.id}: chains ${chain} deep, growth of the cost`,
    most.cost / least.cost,
    'times',
    Math.round(allowed * GROWTH_TOLERANCE),
  );
}

/** What somebody can answer who has edges, events and chains at hand. In these forks no conflicted event stands on another. */
function answersOf(room: BenchRoom, states: readonly StateMap<string>[]): ResolutionAnswers<string> {
  const { unconflicted } = splitState(states);
  const graph = new AuthGraph(room.lookup);
  const shared = graph.walk(Array.from(unconflicted.values(), (id) => graph.node(id))).map((node) => graph.id(node));
  const chain = new Set(shared);
  return {
    ...answerFrom(graph, unconflicted),
    inEveryChain: (ids) => new Set(ids.filter((id) => chain.has(id))),
    leadingTo: () => new Set(),
  };
}

function measureConflict(rules: RoomVersionRules, changes: number): void {
  const room = bigRoom(rules, MEMBERS);
  const states = [0, 1].map((side) => fork(room, side, changes, MEMBERS));
  const answers = answersOf(room, states);
  const { conflicts } = splitState(states);
  const calls = 100;
  const cost = best(10, () => {
    for (let call = 0; call < calls; call++) answerAtOnce(resolveConflicts<string>(conflicts, rules), answers);
  });
  const name = `v${rules.id}: ${conflictsIn(states)} events in conflict alone, answered from memory`;
  report(name, (cost * 1000) / calls, 'µs');
}

for (const version of ['6', '11', '12']) measureAuth(roomVersionRules(version)!);
for (const version of ['1', '2', '11', '12']) measureResolution(roomVersionRules(version)!);
for (const version of ['1', '2', '11', '12']) {
  for (const changes of [2, 50]) measureConflict(roomVersionRules(version)!, changes);
}
for (const version of ['11', '12']) {
  for (const chain of [1, CHAIN]) measureGrowth(roomVersionRules(version)!, chain);
}
