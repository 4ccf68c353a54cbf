import {
  AuthGraph,
  answerAtOnce,
  answerInTime,
  type Conflicts,
  type Question,
  type ResolutionAnswers,
  resolveConflicts,
  roomVersionRules,
  stateTuple,
} from '../../../src/index.js';
import { graphOf, type Node } from '../graph.js';
import { NumberedAnswers, watched } from '../numbered-answers.js';
import { ALICE, BOB, bans, power, Room, topic } from '../scenario.js';

const VERSIONS = ['1', '2', '11', '12'];
const TOPIC = stateTuple('m.room.topic', '');

/** Bob, a moderator, is banned on one side and sets the topic on the other. */
function quarrel(version: string): Room {
  const events = {
    PA: power(ALICE, { [ALICE]: 100, [BOB]: 50 }),
    TA: topic(ALICE),
    MB: bans(ALICE, BOB),
    TB: topic(BOB),
  };
  return new Room(roomVersionRules(version)!, events, ['START > PA > TA > MB', 'TA > TB']);
}

function answersFor(room: Room, ...names: string[]): NumberedAnswers {
  return new NumberedAnswers(
    new AuthGraph(room),
    names.map((name) => room.stateAfter(name)),
  );
}

describe.each(VERSIONS)('a resolution in version %s', (version) => {
  const rules = roomVersionRules(version)!;

  it('tells what each entry comes to, and where each state set differs from that', () => {
    const room = quarrel(version);
    const answers = answersFor(room, 'MB', 'TB', 'MB');
    const { entries, changes } = answerAtOnce(resolveConflicts(answers.conflicts, rules), answers);
    const [ban, before] = ['MB', 'TA'].map((name) => answers.number(room.id(name)));
    const resolved = new Map([
      [TOPIC, before],
      [room.tupleOf('MB'), ban],
    ]);
    expect(entries).toEqual(resolved);
    expect(changes).toEqual([new Map(), resolved, new Map()]);
  });

  it('asks nothing where nothing is in conflict', () => {
    const nothing = {} as ResolutionAnswers<number>;
    const agreed: Conflicts<number> = new Map([
      [TOPIC, [7, 7]],
      [stateTuple('m.room.name', ''), [undefined, undefined]],
    ]);
    const none = answerAtOnce(resolveConflicts<number>(new Map(), rules), nothing);
    expect(none).toEqual({ entries: new Map(), changes: [] });
    const { entries, changes } = answerAtOnce(resolveConflicts(agreed, rules), nothing);
    expect(entries).toEqual(
      new Map([
        [TOPIC, 7],
        [stateTuple('m.room.name', ''), undefined],
      ]),
    );
    expect(changes).toEqual([new Map(), new Map()]);
  });

  it('may wait for its answers, or for some of them', async () => {
    const answers = answersFor(quarrel(version), 'MB', 'TB');
    const resolution = () => resolveConflicts(answers.conflicts, rules);
    const slow = {
      authEvents: async (ids: readonly number[]) => answers.authEvents(ids),
      events: async (ids: readonly number[]) => answers.events(ids),
      inEveryChain: (ids: readonly number[]) => answers.inEveryChain(ids),
      leadingTo: (conflicted: ReadonlySet<number>, ids: readonly number[]) => answers.leadingTo(conflicted, ids),
      shared: async (tuples: Parameters<typeof answers.shared>[0]) => answers.shared(tuples),
      create: async (roomId: string) => answers.create(roomId),
    };
    expect(await answerInTime(resolution(), slow)).toEqual(answerAtOnce(resolution(), answers));
  });

  it('ends with what an answer throws', async () => {
    const answers = answersFor(quarrel(version), 'MB', 'TB');
    const down = new Error('the database is down');
    const resolution = () => resolveConflicts(answers.conflicts, rules);
    const failing = Object.assign(Object.create(answers), {
      events: () => {
        throw down;
      },
    });
    expect(() => answerAtOnce(resolution(), failing)).toThrow(down);
    const rejecting = Object.assign(Object.create(answers), { events: () => Promise.reject(down) });
    await expect(answerInTime(resolution(), rejecting)).rejects.toBe(down);
  });

  it('leaves out events that are not known', () => {
    const room = quarrel(version);
    const answers = answersFor(room, 'MB', 'TB');
    const ban = answers.number(room.id('MB'));
    const gone = Object.assign(Object.create(answers), {
      events: (ids: readonly number[]) => answers.events(ids.filter((id) => id !== ban)),
    });
    const { entries } = answerAtOnce(resolveConflicts(answers.conflicts, rules), gone);
    expect(answers.id(entries.get(room.tupleOf('MB'))!)).toBe(room.id('IMB'));
  });

  it('asks for nothing that it was told before, asked or not', () => {
    const room = quarrel(version);
    const answers = answersFor(room, 'MB', 'TB');
    const all = room.names.map((name) => answers.number(room.id(name)));
    const talkative: ResolutionAnswers<number> = Object.assign(Object.create(answers), {
      authEvents: () => answers.authEvents(all),
      events: () => answers.events(all),
    });
    const asked: Question<number>['ask'][] = [];
    const resolution = watched(resolveConflicts(answers.conflicts, rules), ({ ask }) => asked.push(ask));
    const { entries } = answerAtOnce(resolution, talkative);
    expect(entries).toEqual(answerAtOnce(resolveConflicts(answers.conflicts, rules), answers).entries);
    expect(asked.filter((kind) => kind === 'events')).toHaveLength(1);
    expect(asked.filter((kind) => kind === 'authEvents').length).toBeLessThan(2);
  });

  it('asks about no event twice', () => {
    const events = {
      PA: power(ALICE, { [ALICE]: 100, [BOB]: 50 }),
      PB: power(ALICE, { [ALICE]: 100, [BOB]: 60 }),
      TA: topic(ALICE),
    };
    const room = new Room(rules, events, ['START > PA > PB', 'PA > TA']);
    const answers = answersFor(room, 'PA', 'PB', 'TA', 'PB');
    const asked: string[] = [];
    const note = ({ ask, about }: Question<number>) => {
      const items = about.at(-1);
      if (Array.isArray(items)) asked.push(...items.map((item) => `${ask} ${item}`));
    };
    answerAtOnce(watched(resolveConflicts(answers.conflicts, rules), note), answers);
    expect(asked.length).toBeGreaterThan(4);
    expect(new Set(asked).size).toBe(asked.length);
  });

  it('asks once about an event that is not known, and takes it for one that nothing authorises', () => {
    const room = quarrel(version);
    const states = ['MB', 'TB'].map((name) => room.stateAfter(name));
    states.push(new Map(states[0]).set(TOPIC, 'gone'));
    const answers = new NumberedAnswers(
      new AuthGraph({ event: (id) => (id === 'gone' ? undefined : room.event(id)) }),
      states,
    );
    const gone = answers.number('gone');
    const silent: ResolutionAnswers<number> = Object.assign(Object.create(answers), {
      authEvents: (ids: readonly number[]) => answers.authEvents(ids.filter((id) => id !== gone)),
    });
    const asked: string[] = [];
    const note = ({ ask, about }: Question<number>) => {
      const items: unknown = about.at(-1);
      if (Array.isArray(items) && items.includes(gone)) asked.push(ask);
    };
    const { entries } = answerAtOnce(watched(resolveConflicts(answers.conflicts, rules), note), silent);
    expect(answers.id(entries.get(TOPIC)!)).toBe(room.id('TA'));
    expect(asked.filter((kind) => kind === 'events')).toHaveLength(1);
    expect(asked.filter((kind) => kind === 'authEvents')).toHaveLength(version === '1' ? 0 : 1);
  });

  it('sees in entries given without a conflict what they decide', () => {
    const room = quarrel(version);
    const answers = answersFor(room, 'MB', 'TB');
    const all = new Map(answers.conflicts);
    for (const [tuple, id] of room.stateAfter('MB')) {
      if (!all.has(tuple)) all.set(tuple, [answers.number(id), answers.number(id)]);
    }
    const silent = Object.assign(Object.create(answers), { shared: () => new Map() });
    const { changes } = answerAtOnce(resolveConflicts<number>(all, rules), silent);
    expect(changes).toEqual(answerAtOnce(resolveConflicts(answers.conflicts, rules), answers).changes);
  });

  it('breaks ties by the ids of events, whatever the caller calls them', () => {
    const events = { TX: topic(ALICE, { at: 90 }), TY: topic(ALICE, { at: 90 }), TZ: topic(ALICE, { at: 90 }) };
    const room = new Room(rules, events, ['START > TX', 'START > TY', 'START > TZ']);
    const winners = [
      ['TX', 'TY', 'TZ'],
      ['TZ', 'TX', 'TY'],
      ['TY', 'TZ', 'TX'],
    ].map((names) => {
      const answers = answersFor(room, ...names);
      return answers.id(answerAtOnce(resolveConflicts(answers.conflicts, rules), answers).entries.get(TOPIC)!);
    });
    expect(new Set(winners)).toEqual(new Set([room.id(version === '1' ? 'TY' : 'TZ')]));
  });
});

describe('a resolution in version 1', () => {
  it('asks nothing where an entry is only lacking', () => {
    const onlyLacking: Conflicts<number> = new Map([[TOPIC, [undefined, 7]]]);
    const { changes } = answerAtOnce(
      resolveConflicts(onlyLacking, roomVersionRules('1')!),
      {} as ResolutionAnswers<number>,
    );
    expect(changes).toEqual([new Map([[TOPIC, 7]]), new Map()]);
  });
});

describe.each(VERSIONS.slice(1))('an event that only some state sets stand on, in version %s,', (version) => {
  const rules = roomVersionRules(version)!;
  const admin = '@a:a';
  const base = version === '12' ? [] : ['$create'];
  const levels = version === '12' ? {} : { users: { [admin]: 100 } };
  const nodes: Record<string, Node> = {
    $create: { type: 'm.room.create', sender: admin, content: { creator: admin } },
    $join: { type: 'm.room.member', sender: admin, state_key: admin, content: { membership: 'join' }, auth: base },
    $power: { type: 'm.room.power_levels', sender: admin, content: levels, auth: [...base, '$join'] },
    $note: { type: 'note', sender: admin, auth: [...base, '$join', '$power'] },
    $one: { type: 'm.room.topic', sender: admin, auth: [...base, '$join', '$power', '$note'] },
    $other: { type: 'm.room.topic', sender: admin, auth: [...base, '$join', '$power'], ts: 1 },
  };
  const NOTE = stateTuple('note', '');
  const shared = ['$create', '$join', '$power'].map((id) => [tupleOf(nodes[id]!), id] as const);

  function resolve(more: (readonly [ReturnType<typeof stateTuple>, string])[] = []) {
    const states = ['$one', '$other'].map((id) => new Map([...shared, ...more, [TOPIC, id]]));
    const answers = new NumberedAnswers(new AuthGraph(graphOf(nodes, '!create')), states);
    return { answers, ...answerAtOnce(resolveConflicts(answers.conflicts, rules), answers) };
  }

  it('makes an entry that none of them has', () => {
    const { answers, entries, changes } = resolve();
    expect(answers.id(entries.get(NOTE)!)).toBe('$note');
    expect(changes.map((each) => each.get(NOTE))).toEqual([answers.number('$note'), answers.number('$note')]);
  });

  it('changes no entry that they agree on', () => {
    const { entries, changes } = resolve([[NOTE, '$power']]);
    expect([...entries.keys()]).toEqual([TOPIC]);
    expect(changes.map((each) => each.has(NOTE))).toEqual([false, false]);
  });
});

describe('a room that was made twice, whose m.room.create events are all that is in conflict,', () => {
  const nodes: Record<string, Node> = {
    p1: { type: 'm.room.power_levels' },
    p2: { type: 'm.room.power_levels', auth: ['p1'] },
    c1: { type: 'm.room.create', auth: ['p2'], ts: 0 },
    c2: { type: 'm.room.create', auth: ['p1'], ts: 1 },
  };
  const { event } = graphOf(nodes);
  const first = (id: string) => ({ ...event(id)!, pdu: { ...event(id)!.pdu, prev_events: [] } });

  it('has them in the order of the power levels that all state sets have', () => {
    const states = ['c1', 'c2'].map(
      (id) =>
        new Map([
          [stateTuple('m.room.create', ''), id],
          [stateTuple('m.room.power_levels', ''), 'p2'],
        ]),
    );
    const answers = new NumberedAnswers(new AuthGraph({ event: first }), states);
    const { entries } = answerAtOnce(resolveConflicts(answers.conflicts, roomVersionRules('11')!), answers);
    expect(answers.id(entries.get(stateTuple('m.room.create', ''))!)).toBe('c1');
  });
});

function tupleOf({ type, state_key }: Node) {
  return stateTuple(type!, state_key ?? '');
}
