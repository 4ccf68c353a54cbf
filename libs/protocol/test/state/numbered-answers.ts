import {
  type AuthGraph,
  type Conflicts,
  createEventIdOf,
  type Question,
  type Questions,
  type ResolutionAnswers,
  type RoomEvent,
  type SplitState,
  type StateMap,
  type StateTuple,
  splitState,
} from '../../src/index.js';

/** How much is told when more or less would be as right. */
export type Talk = 'sparse' | 'full';

/** Answers as somebody does who calls events by numbers that say nothing about their order. */
export class NumberedAnswers implements ResolutionAnswers<number> {
  readonly conflicts: Conflicts<number>;
  private readonly split: SplitState<string>;
  private readonly numbers = new Map<string, number>();
  private readonly ids = new Map<number, string>();

  constructor(
    private readonly graph: AuthGraph,
    private readonly stateSets: readonly StateMap<string>[],
    private readonly talk: Talk = 'sparse',
  ) {
    this.split = splitState(stateSets);
    const inConflict = [...this.split.conflicts];
    this.conflicts = new Map(
      inConflict.map(([tuple, ids]) => [tuple, ids.map((id) => (id === undefined ? undefined : this.number(id)))]),
    );
  }

  /** The first event asked for gets a number in the middle, the others some before and behind it. */
  number(id: string): number {
    let number = this.numbers.get(id);
    if (number === undefined) {
      number = this.numbers.size % 2 === 0 ? this.numbers.size : -this.numbers.size;
      this.numbers.set(id, number);
      this.ids.set(number, id);
    }
    return number;
  }

  id(number: number): string {
    const id = this.ids.get(number);
    if (id === undefined) throw new Error(`nothing has the number ${number}`);
    return id;
  }

  /** The state that some changes make of one of the state sets. */
  changed(index: number, changes: ReadonlyMap<StateTuple, number | undefined>): StateMap<string> {
    const state = new Map(this.stateSets[index]);
    for (const [tuple, number] of changes) {
      if (number === undefined) state.delete(tuple);
      else state.set(tuple, this.id(number));
    }
    return state;
  }

  authEvents(numbers: readonly number[]): ReadonlyMap<number, readonly number[]> {
    return new Map(numbers.map((number) => [number, this.parents(this.id(number)).map((id) => this.number(id))]));
  }

  inEveryChain(numbers: readonly number[]): ReadonlySet<number> {
    const shared = this.chain(this.split.unconflicted.values());
    const chains = this.talk === 'sparse' ? [shared] : this.stateSets.map((stateSet) => this.chain(stateSet.values()));
    return new Set(numbers.filter((number) => chains.every((chain) => chain.has(this.id(number)))));
  }

  leadingTo(conflicted: ReadonlySet<number>, numbers: readonly number[]): ReadonlySet<number> {
    if (this.talk === 'sparse') return new Set(numbers);
    const reaches = (number: number) =>
      [...this.chain(this.parents(this.id(number)))].some((id) => conflicted.has(this.number(id)));
    return new Set(numbers.filter(reaches));
  }

  events(numbers: readonly number[]): ReadonlyMap<number, RoomEvent> {
    const events = new Map<number, RoomEvent>();
    for (const number of numbers) {
      const event = this.graph.eventOf(this.id(number));
      if (event !== undefined) events.set(number, event);
    }
    return events;
  }

  shared(tuples: readonly StateTuple[]): StateMap<number> {
    const shared = new Map<StateTuple, number>();
    for (const tuple of tuples) {
      if (this.conflicts.has(tuple)) throw new Error(`${tuple} is in conflict`);
      const id = this.split.unconflicted.get(tuple);
      if (id !== undefined) shared.set(tuple, this.number(id));
    }
    return shared;
  }

  create(roomId: string): RoomEvent | undefined {
    return this.graph.eventOf(createEventIdOf(roomId));
  }

  private parents(id: string): string[] {
    return this.graph.authEvents(this.graph.node(id)).map((node) => this.graph.id(node));
  }

  private chain(ids: Iterable<string>): ReadonlySet<string> {
    const nodes = this.graph.walk(Array.from(ids, (id) => this.graph.node(id)));
    return new Set(nodes.map((node) => this.graph.id(node)));
  }
}

/** The same computation, with each of its questions shown before it is answered. */
export function* watched<Id, Result>(
  questions: Questions<Id, Result>,
  onQuestion: (question: Question<Id>) => void,
): Questions<Id, Result> {
  let step = questions.next();
  while (!step.done) {
    onQuestion(step.value);
    step = questions.next(yield step.value);
  }
  return step.value;
}
