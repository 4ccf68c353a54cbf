import {
  type AuthState,
  authEventIds,
  checkAuth,
  type EventLookup,
  powerLevelsOf,
  type RoomEvent,
  type RoomVersionRules,
  type StateMap,
  type StateTuple,
  stateTuple,
} from '../../src/index.js';

/**
 * State resolution of versions 2 and 2.1 once more, sentence by sentence and without regard to speed: sets are made in
 * full, every ordering is found by trying. Of this library it shares the authorisation rules only.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
 */
export class Reference {
  constructor(
    private readonly lookup: EventLookup,
    private readonly rules: RoomVersionRules,
  ) {}

  resolve(stateSets: readonly StateMap<string>[]): StateMap<string> {
    const tuples = new Set(stateSets.flatMap((set) => [...set.keys()]));
    const unconflicted = new Map<StateTuple, string>();
    const conflicted = new Set<string>();
    for (const tuple of tuples) {
      const values = new Set(stateSets.map((set) => set.get(tuple)));
      if (values.size === 1) unconflicted.set(tuple, [...values][0]!);
      else for (const value of values) if (value !== undefined) conflicted.add(value);
    }
    if (conflicted.size === 0) return unconflicted;
    const full = new Set([...conflicted, ...this.authDifference(stateSets)]);
    if (this.fromEmpty) for (const each of this.subgraph(conflicted)) full.add(each);

    const chosen = [...full].filter((id) => this.isPowerEvent(this.get(id)!));
    for (const id of chosen) {
      for (const parent of this.parents(id)) if (full.has(parent) && !chosen.includes(parent)) chosen.push(parent);
    }
    const partial = this.apply(this.powerOrder(chosen), this.fromEmpty ? new Map() : unconflicted);
    const rest = [...full].filter((id) => !chosen.includes(id));
    const head = partial.get(stateTuple('m.room.power_levels', ''));
    return new Map([...this.apply(this.mainlineOrder(rest, head), partial), ...unconflicted]);
  }

  private get fromEmpty(): boolean {
    return this.rules.stateResolution === 'v2.1';
  }

  private get(id: string): RoomEvent | undefined {
    return this.lookup.event(id);
  }

  private parents(id: string): string[] {
    return authEventIds(this.get(id)!.pdu);
  }

  private chain(ids: Iterable<string>): Set<string> {
    const chain = new Set(ids);
    for (const id of chain) for (const parent of this.parents(id)) chain.add(parent);
    return chain;
  }

  private authDifference(stateSets: readonly StateMap<string>[]): string[] {
    const chains = stateSets.map((set) => this.chain(set.values()));
    return [...new Set(chains.flatMap((chain) => [...chain]))].filter((id) => !chains.every((chain) => chain.has(id)));
  }

  private subgraph(conflicted: ReadonlySet<string>): string[] {
    return [...this.chain(conflicted)].filter((id) => [...this.chain([id])].some((below) => conflicted.has(below)));
  }

  private isPowerEvent({ pdu }: RoomEvent): boolean {
    if (['m.room.power_levels', 'm.room.join_rules'].includes(pdu.type)) return true;
    const removes = ['leave', 'ban'].includes(pdu.content.membership as string);
    return pdu.type === 'm.room.member' && removes && pdu.sender !== pdu.state_key;
  }

  private stateOf(id: string): AuthState {
    const events = this.parents(id).map((parent) => this.get(parent)!);
    if (this.rules.roomIdIsCreateHash) events.push(this.get(`$${this.get(id)!.roomId.slice(1)}`)!);
    return (type, key) => events.find(({ pdu, rejected }) => !rejected && pdu.type === type && pdu.state_key === key);
  }

  private byTime(one: string, other: string): number {
    const time = this.get(one)!.pdu.origin_server_ts - this.get(other)!.pdu.origin_server_ts;
    return time === 0 ? (one < other ? -1 : 1) : time;
  }

  private powerOrder(ids: readonly string[]): string[] {
    const level = (id: string) => powerLevelsOf(this.stateOf(id), this.rules).forUser(this.get(id)!.pdu.sender);
    const left = new Set(ids);
    const order: string[] = [];
    while (left.size > 0) {
      const ready = [...left].filter((id) => !this.parents(id).some((parent) => left.has(parent)));
      ready.sort((one, other) => (level(one) === level(other) ? this.byTime(one, other) : level(other) - level(one)));
      order.push(ready[0]!);
      left.delete(ready[0]!);
    }
    return order;
  }

  private powerLevelsBefore(id: string): string | undefined {
    return this.parents(id).find((parent) => this.get(parent)!.pdu.type === 'm.room.power_levels');
  }

  private mainlineOrder(ids: readonly string[], head: string | undefined): string[] {
    const mainline: string[] = [];
    for (let each = head; each !== undefined; each = this.powerLevelsBefore(each)) mainline.push(each);
    const position = (id: string) => {
      let before = this.powerLevelsBefore(id);
      while (before !== undefined && !mainline.includes(before)) before = this.powerLevelsBefore(before);
      return before === undefined ? mainline.length : mainline.indexOf(before);
    };
    return [...ids].sort((one, other) => position(other) - position(one) || this.byTime(one, other));
  }

  private apply(ids: readonly string[], initial: StateMap<string>): Map<StateTuple, string> {
    const state = new Map(initial);
    for (const id of ids) {
      const event = this.get(id)!;
      const own = this.stateOf(id);
      const look: AuthState = (type, key) => {
        const current = state.get(stateTuple(type, key));
        return current === undefined ? own(type, key) : this.get(current);
      };
      if (checkAuth(event, look, this.rules).allowed) state.set(stateTuple(event.pdu.type, event.pdu.state_key!), id);
    }
    return state;
  }
}
