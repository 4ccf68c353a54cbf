import {
  AuthGraph,
  answerAtOnce,
  type JsonObject,
  type Question,
  resolveConflicts,
  roomVersionRules,
  type StateMap,
  type StateTuple,
  stateTuple,
} from '../../../src/index.js';
import { graphOf, type Node } from '../graph.js';
import { NumberedAnswers, type Talk, watched } from '../numbered-answers.js';

const ADMIN = '@admin:a';
const VERSIONS = ['1', '2', '11', '12'];

interface Work {
  readonly asked: Record<string, number>;
  readonly rounds: number;
  /** The events that the entries in conflict come to. */
  readonly outcome: string;
}

/** A room with two sides, of which one knows a ban and the other a topic and a join. */
class ForkedRoom {
  readonly nodes: Record<string, Node> = {};
  readonly shared = new Map<StateTuple, string>();

  constructor(
    private readonly version: string,
    members: number,
    powerChanges = 1,
  ) {
    this.set(this.shared, '$create', ADMIN, 'm.room.create', '', { creator: ADMIN }, []);
    this.set(this.shared, '$admin', ADMIN, 'm.room.member', ADMIN, { membership: 'join' }, ['$create']);
    for (let change = 0; change < powerChanges; change++) this.changePower(change);
    this.set(new Map(), '$aside', '@member1:a', 'm.room.power_levels', '', this.levels(0), ['$create']);
    this.set(this.shared, '$rules', ADMIN, 'm.room.join_rules', '', { join_rule: 'public' }, this.byAdmin());
    for (let index = 0; index < members; index++) this.join(`@member${index}:a`, this.shared);
  }

  fork(): [StateMap<string>, StateMap<string>] {
    const one = new Map(this.shared);
    const other = new Map(this.shared);
    const bob = '@member1:a';
    this.set(one, '$ban', ADMIN, 'm.room.member', bob, { membership: 'ban' }, [...this.byAdmin(), `$${bob}`]);
    this.set(other, '$topic', ADMIN, 'm.room.topic', '', { topic: 'x' }, this.byAdmin());
    this.join('@late:a', other);
    return [one, other];
  }

  /** As a fork, with a topic on each side: that of one was sent under power levels which were changed since. */
  forkUnder(powerLevels: string): [StateMap<string>, StateMap<string>] {
    const one = new Map(this.shared);
    const other = new Map(this.shared);
    const content = { topic: 'x' };
    this.set(one, '$ban', ADMIN, 'm.room.topic', '', content, ['$create', '$admin', powerLevels]);
    this.set(other, '$topic', ADMIN, 'm.room.topic', '', content, this.byAdmin());
    return [one, other];
  }

  /** What resolving states asks, by kind: about how many events or entries, in how many rounds. */
  work(states: readonly StateMap<string>[], talk: Talk = 'sparse'): Work {
    const answers = new NumberedAnswers(new AuthGraph(graphOf(this.nodes, '!create')), states, talk);
    const asked: Record<string, number> = {};
    let rounds = 0;
    const count = ({ ask, about }: Question<number>) => {
      const items = about.at(-1);
      asked[ask] = (asked[ask] ?? 0) + (Array.isArray(items) ? items.length : 1);
      rounds += 1;
    };
    const rules = roomVersionRules(this.version)!;
    const { entries } = answerAtOnce(watched(resolveConflicts(answers.conflicts, rules), count), answers);
    const outcome = [...entries.values()].map((number) => (number === undefined ? '' : answers.id(number)));
    return { asked, rounds, outcome: outcome.sort().join(' ') };
  }

  private changePower(change: number): void {
    const auth = ['$create', '$admin', ...(change === 0 ? [] : [`$power${change - 1}`])];
    this.set(this.shared, `$power${change}`, ADMIN, 'm.room.power_levels', '', this.levels(change), auth);
  }

  private levels(change: number): JsonObject {
    return { users: this.version === '12' ? {} : { [ADMIN]: 100 }, events: { x: change } };
  }

  private join(user: string, state: Map<StateTuple, string>): void {
    const auth = ['$create', this.powerLevels(), '$rules'];
    this.set(state, `$${user}`, user, 'm.room.member', user, { membership: 'join' }, auth);
  }

  private byAdmin(): string[] {
    return ['$create', '$admin', this.powerLevels()];
  }

  private powerLevels(): string {
    return this.shared.get(stateTuple('m.room.power_levels', ''))!;
  }

  private set(
    state: Map<StateTuple, string>,
    id: string,
    sender: string,
    type: string,
    state_key: string,
    content: JsonObject,
    auth: string[],
  ): void {
    const named = this.version === '12' ? auth.filter((each) => each !== '$create') : auth;
    this.nodes[id] = { sender, type, state_key, content, auth: named };
    state.set(stateTuple(type, state_key), id);
  }
}

describe.each(VERSIONS)('what resolving a fork of three changes asks in version %s', (version) => {
  const workIn = (members: number, powerChanges: number, talk?: Talk) => {
    const room = new ForkedRoom(version, members, powerChanges);
    return room.work(room.fork(), talk);
  };

  it('is the same in a room of ten thousand members as in one of ten', () => {
    const work = workIn(10, 1);
    expect(workIn(10_000, 1)).toEqual(work);
    expect(work.outcome).toBe('$@late:a $ban $topic');
    expect(work.asked.events).toBeLessThan(9);
    expect(work.asked.authEvents ?? 0).toBeLessThan(8);
    expect(work.rounds).toBeLessThan(9);
  });

  it('is the same however often the power levels were changed before, if it is known what leads to a conflict', () => {
    expect(workIn(10, 1000, 'full')).toEqual(workIn(10, 2, 'full'));
  });
});

describe('without knowing what leads to a conflict', () => {
  it('version 12 reads all power levels that the events in conflict stand on, and no member', () => {
    const works = [10, 1000].map((members) => {
      const room = new ForkedRoom('12', members, 100);
      return room.work(room.fork());
    });
    expect(works[0]).toEqual(works[1]);
    expect(works[0]!.asked.authEvents).toBeGreaterThan(100);
    expect(works[0]!.asked.authEvents).toBeLessThan(110);
    expect(works[0]!.asked.events).toBeLessThan(9);
  });
});

describe.each(VERSIONS.slice(1))('an event under other power levels than those of today, in version %s,', (version) => {
  const workUnder = (powerLevels: string, changes: number) => {
    const room = new ForkedRoom(version, 10, changes);
    return room.work(room.forkUnder(powerLevels), 'full');
  };
  /** From version 12 on, power levels that are not in conflict are none to begin with: there is no mainline. */
  const hasMainline = version !== '12';

  it('has the mainline read as far back as these, and no further', () => {
    const work = workUnder('$power180', 200);
    expect(workUnder('$power980', 1000)).toEqual(work);
    expect(work.outcome).toBe('$topic');
    expect(work.asked.events! > 20).toBe(hasMainline);
    expect(work.asked.events).toBeLessThan(50);
  });

  it('has the mainline read to its end when these are not on it', () => {
    const work = workUnder('$aside', 100);
    expect(work.outcome).toBe('$topic');
    expect(work.asked.events! > 100).toBe(hasMainline);
    expect(work.asked.events).toBeLessThan(110);
  });

  it('has nothing of the mainline read when it is under none', () => {
    const work = workUnder('$rules', 100);
    expect(work.outcome).toBe('$topic');
    expect(work.asked.events).toBeLessThan(10);
  });
});
