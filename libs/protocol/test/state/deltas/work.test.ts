import {
  AuthGraph,
  answerAtOnce,
  type JsonObject,
  type Question,
  type Resolution,
  resolveConflicts,
  roomVersionRules,
  type StateMap,
  type StateTuple,
  stateTuple,
} from '../../../src/index.js';
import { graphOf, type Node } from '../graph.js';
import { NumberedAnswers, watched } from '../numbered-answers.js';

const ADMIN = '@admin:a';
const VERSIONS = ['1', '2', '11', '12'];

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

  /** What resolving states asks, by kind: about how many events or entries, in how many rounds. */
  work(states: readonly StateMap<string>[]): { asked: Record<string, number>; rounds: number } {
    const answers = new NumberedAnswers(new AuthGraph(graphOf(this.nodes, '!create')), states);
    const asked: Record<string, number> = {};
    let rounds = 0;
    const count = ({ ask, about }: Question<number>) => {
      const items = about.at(-1);
      asked[ask] = (asked[ask] ?? 0) + (Array.isArray(items) ? items.length : 1);
      rounds += 1;
    };
    const rules = roomVersionRules(this.version)!;
    const resolution = answerAtOnce(watched(resolveConflicts(answers.conflicts, rules), count), answers);
    this.expectBoth(resolution, answers);
    return { asked, rounds };
  }

  private expectBoth({ entries }: Resolution<number>, answers: NumberedAnswers): void {
    const ids = [...entries.values()].map((number) => number !== undefined && answers.id(number));
    expect(ids.sort()).toEqual(['$@late:a', '$ban', '$topic']);
  }

  private changePower(change: number): void {
    const users = this.version === '12' ? {} : { [ADMIN]: 100 };
    const before = change === 0 ? [] : [`$power${change - 1}`];
    const content = { users, events: { x: change } };
    this.set(this.shared, `$power${change}`, ADMIN, 'm.room.power_levels', '', content, [
      '$create',
      '$admin',
      ...before,
    ]);
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
  const workIn = (members: number, powerChanges?: number) => {
    const room = new ForkedRoom(version, members, powerChanges);
    return room.work(room.fork());
  };

  it('is the same in a room of ten thousand members as in one of ten', () => {
    const { asked, rounds } = workIn(10);
    expect(workIn(10_000)).toEqual({ asked, rounds });
    expect(asked.events).toBeLessThan(12);
    expect(asked.authEvents ?? 0).toBeLessThan(15);
    expect(rounds).toBeLessThan(20);
  });
});

describe.each(VERSIONS.slice(0, 3))('what resolving a fork of three changes asks in version %s', (version) => {
  it('is the same however often the power levels were changed before', () => {
    const [few, many] = [1, 1000].map((changes) => new ForkedRoom(version, 10, changes));
    expect(many!.work(many!.fork())).toEqual(few!.work(few!.fork()));
  });
});
