import {
  AuthGraph,
  conflictedEvents,
  mainlineSort,
  reverseTopologicalPowerSort,
  roomVersionRules,
  splitState,
  stateTuple,
} from '../../src/index.js';
import { authDifferenceOf, conflictedSubgraphOf, graphOf, mainlineSortOf, type Node, stateSet } from './graph.js';
import { permutations } from './run-scenario.js';

const V11 = roomVersionRules('11')!;
const V12 = roomVersionRules('12')!;

describe('splitState', () => {
  const conflicts = (lists: Record<string, (string | undefined)[]>) =>
    new Map(Object.entries(lists).map(([key, candidates]) => [stateTuple('x', key), candidates]));

  it('finds in conflict what not all state sets have', () => {
    const none = undefined;
    expect(splitState([stateSet('a'), stateSet('b'), stateSet('c')])).toEqual({
      unconflicted: new Map(),
      conflicts: conflicts({ a: ['a', none, none], b: [none, 'b', none], c: [none, none, 'c'] }),
    });
  });

  it('finds in conflict what differs', () => {
    expect(splitState([stateSet('k=a'), stateSet('k=b'), stateSet('k=c')])).toEqual({
      unconflicted: new Map(),
      conflicts: conflicts({ k: ['a', 'b', 'c'] }),
    });
  });

  it('finds no conflict in what is the same', () => {
    expect(splitState([stateSet('k=a l=b'), stateSet('l=b k=a')])).toEqual({
      unconflicted: stateSet('k=a l=b'),
      conflicts: conflicts({}),
    });
  });

  it('tells one from the other', () => {
    expect(splitState([stateSet('a'), stateSet('a b'), stateSet('c a')])).toEqual({
      unconflicted: stateSet('a'),
      conflicts: conflicts({ b: [undefined, 'b', undefined], c: [undefined, undefined, 'c'] }),
    });
  });

  it('takes one state set for agreed and none for empty', () => {
    expect(splitState([stateSet('a b')])).toEqual({ unconflicted: stateSet('a b'), conflicts: conflicts({}) });
    expect(splitState([])).toEqual({ unconflicted: new Map(), conflicts: conflicts({}) });
  });
});

describe('conflictedEvents', () => {
  const { conflicts } = splitState([stateSet('k=a l=b m=c'), stateSet('k=b n=d'), stateSet('k=a')]);

  it('are all events of entries in conflict', () => {
    expect(conflictedEvents(conflicts)).toEqual(new Set(['a', 'b', 'c', 'd']));
  });

  it('are not those that all state sets have', () => {
    const given = new Map(conflicts).set(stateTuple('x', 'o'), ['e', 'e', 'e']);
    expect(conflictedEvents(given)).toEqual(conflictedEvents(conflicts));
  });
});

describe('authDifference', () => {
  const chain = { a: [], b: ['a'], c: ['b'], d: ['c'], e: ['c', 'b'], f: ['d', 'gone'] };
  const difference = (...sets: string[]) =>
    [...authDifferenceOf(sets.map(stateSet), new AuthGraph(graphOf(chain)))].sort().join(' ');

  it.each([
    ['one end of a chain', ['a b', 'c'], 'c'],
    ['two ends of a chain', ['a b', 'c d'], 'c d'],
    ['ends of different branches', ['a b e', 'c d'], 'd e'],
    ['the same state', ['a b c', 'c b a'], ''],
    ['a single state', ['d'], ''],
    ['no state', [], ''],
    ['an empty state', ['c', ''], 'a b c'],
    ['what all share, with its chain', ['d e', 'd'], 'e'],
    ['what the others reach in other ways', ['d', 'e'], 'd e'],
    ['three states', ['b', 'c', 'e'], 'c e'],
    ['what two of three have', ['d', 'd', 'c'], 'd'],
    ['events that are not known', ['f', 'd'], 'f gone'],
  ])('finds %s', (_title, sets, expected) => {
    for (const order of permutations(sets)) expect(difference(...order)).toBe(expected);
  });
});

describe('conflictedSubgraph', () => {
  const graph = {
    root: [],
    low: ['root'],
    left: ['low'],
    right: ['low'],
    top: ['left', 'right'],
    other: ['root'],
    above: ['top', 'other'],
  };
  const subgraph = (conflicted: string) =>
    [...conflictedSubgraphOf(conflicted.split(' '), new AuthGraph(graphOf(graph)))].sort().join(' ');

  it.each([
    ['one event', 'top', 'top'],
    ['two that are not related', 'left other', 'left other'],
    ['two in a row', 'left low', 'left low'],
    ['all ways between two', 'low top', 'left low right top'],
    ['a way over an event that only some lead to', 'left above', 'above left top'],
    ['ways between three', 'root left above', 'above left low other right root top'],
    ['nothing below or above', 'left top', 'left top'],
    ['an event that is not known', 'top gone', 'gone top'],
  ])('finds %s', (_title, conflicted, expected) => {
    for (const order of permutations(conflicted.split(' '))) expect(subgraph(order.join(' '))).toBe(expected);
  });

  it('ends where events authorise each other', () => {
    const circle = new AuthGraph(graphOf({ a: ['b'], b: ['c', 'd'], c: ['a'], d: [] }));
    expect(conflictedSubgraphOf(['a'], circle)).toEqual(new Set(['a', 'b', 'c']));
  });
});

describe('reverseTopologicalPowerSort', () => {
  const levels = (users: Record<string, number>, auth: string[] = ['create']): Node => ({
    type: 'm.room.power_levels',
    content: { users },
    auth,
  });
  const create: Node = { type: 'm.room.create', sender: '@maker:a' };
  const sort = (nodes: Record<string, readonly string[] | Node>, ids: string, rules = V11, roomId = '!create') => {
    const orders = permutations(ids.split(' ')).map((each) =>
      reverseTopologicalPowerSort(each, new AuthGraph(graphOf(nodes, roomId)), rules).join(' '),
    );
    expect(new Set(orders).size).toBe(1);
    return orders[0];
  };

  it('puts events after those that authorise them, and the smaller id first', () => {
    expect(sort({ l: ['o'], m: ['n', 'o'], n: ['o'], o: [], p: ['o'] }, 'l m n o p')).toBe('o l n m p');
  });

  it('waits for an event once, however often it is named', () => {
    expect(sort({ a: ['b', 'b'], b: [] }, 'a b')).toBe('b a');
  });

  it('looks at edges between the given events only', () => {
    expect(sort({ a: ['b'], b: ['c'], c: [] }, 'a c')).toBe('a c');
  });

  it('puts the sender with the greatest power first', () => {
    const nodes = {
      create,
      power: levels({ '@low:a': 10, '@high:a': 90 }),
      a: { sender: '@none:a', auth: ['create', 'power'], ts: 1 },
      b: { sender: '@low:a', auth: ['create', 'power'], ts: 2 },
      c: { sender: '@high:a', auth: ['create', 'power'], ts: 3 },
    };
    expect(sort(nodes, 'a b c')).toBe('c b a');
  });

  it('asks each event’s own auth events for the power of its sender', () => {
    const nodes = {
      create,
      before: levels({ '@x:a': 90, '@y:a': 10 }),
      after: levels({ '@x:a': 10, '@y:a': 90 }),
      a: { sender: '@x:a', auth: ['create', 'after'] },
      b: { sender: '@y:a', auth: ['create', 'after'] },
      c: { sender: '@x:a', auth: ['create', 'before'] },
      d: { sender: '@y:a', auth: ['create', 'before'] },
    };
    expect(sort(nodes, 'a b c d')).toBe('b c a d');
  });

  it('then goes by time, then by id', () => {
    expect(sort({ a: { ts: 3 }, b: { ts: 2 }, c: { ts: 2 }, d: { ts: 1 } }, 'a b c d')).toBe('d b c a');
  });

  it.each([
    ['10', 'content.creator', 'a b c'],
    ['11', 'the sender of m.room.create', 'b a c'],
  ])('gives the creator of version %s 100 without power levels: %s', (version, _who, expected) => {
    const made = { ...create, content: { creator: '@named:a' } };
    const sent = { auth: ['create'] };
    const nodes = {
      create: made,
      a: { ...sent, sender: '@named:a' },
      b: { ...sent, sender: '@maker:a' },
      c: { ...sent, sender: '@other:a' },
    };
    expect(sort(nodes, 'a b c', roomVersionRules(version)!)).toBe(expected);
  });

  it('gives nobody power in an event that names no m.room.create', () => {
    const nodes = { create, a: { sender: '@maker:a', ts: 2 }, b: { sender: '@other:a', ts: 1 } };
    expect(sort(nodes, 'a b')).toBe('b a');
  });

  it('finds the creators of version 12 by the room id, above all others and equal to each other', () => {
    const made = { ...create, content: { additional_creators: ['@second:a'] } };
    const power = levels({ '@admin:a': Number.MAX_SAFE_INTEGER });
    const nodes = {
      $create: made,
      power,
      a: { sender: '@admin:a', auth: ['power'], ts: 1 },
      b: { sender: '@second:a', auth: ['power'], ts: 3 },
      c: { sender: '@maker:a', auth: ['power'], ts: 2 },
    };
    expect(sort(nodes, 'a b c', V12)).toBe('c b a');
  });

  it('does not believe power levels that were rejected', () => {
    const nodes = {
      create,
      power: { ...levels({ '@x:a': 100 }), rejected: true },
      a: { sender: '@y:a', auth: ['create', 'power'] },
      b: { sender: '@x:a', auth: ['create', 'power'] },
    };
    expect(sort(nodes, 'a b')).toBe('a b');
  });

  it('leaves out what is not known, and what authorises itself', () => {
    expect(sort({ a: ['gone'], b: ['c'], c: ['b'], d: ['d'] }, 'a b c d gone')).toBe('a');
  });
});

describe('mainlineSort', () => {
  const power = (...auth: string[]): Node => ({ type: 'm.room.power_levels', auth });
  const line = {
    p1: power(),
    p2: power('p1'),
    p3: power('p2'),
    side: power('p1'),
    old: ['p1'],
    mid: ['p2'],
    new: ['p3'],
    none: ['other'],
    other: [],
    aside: ['side'],
  };
  const sort = (nodes: Record<string, readonly string[] | Node>, ids: string, head: string | undefined) => {
    const orders = permutations(ids.split(' ')).map((each) =>
      mainlineSortOf(each, head, new AuthGraph(graphOf(nodes))).join(' '),
    );
    expect(new Set(orders).size).toBe(1);
    return orders[0];
  };

  it('puts events under old power levels before those under new ones', () => {
    expect(sort(line, 'new mid old', 'p3')).toBe('old mid new');
  });

  it('puts events under no power levels first', () => {
    expect(sort(line, 'new old none', 'p3')).toBe('none old new');
  });

  it('takes power levels beside the mainline for those of the mainline before them', () => {
    expect(sort({ ...line, aside: { auth: ['side'], ts: -1 } }, 'aside old mid', 'p3')).toBe('aside old mid');
    expect(sort({ ...line, aside: { auth: ['side'], ts: 1 } }, 'aside old mid', 'p3')).toBe('old aside mid');
  });

  it('goes as far beside the mainline as it takes to come to it', () => {
    const beside = { ...line, side2: power('side'), side3: power('side2'), aside: ['side3'], aside2: ['side2'] };
    expect(sort(beside, 'aside aside2 mid none', 'p3')).toBe('none aside aside2 mid');
  });

  it('puts power levels at the place of those that authorise them', () => {
    expect(sort(line, 'p1 p2 p3 old', 'p3')).toBe('p1 old p2 p3');
  });

  it('does not count power levels after those that the mainline begins with', () => {
    expect(sort(line, 'new mid old', 'p2')).toBe('old mid new');
    expect(sort(line, 'new mid old', 'p1')).toBe('mid new old'.split(' ').sort().join(' '));
  });

  it('goes by time, then by id', () => {
    const nodes = { ...line, a: { auth: ['p1'], ts: 2 }, b: { auth: ['p1'], ts: 1 }, c: { auth: ['p1'], ts: 1 } };
    expect(sort(nodes, 'a b c', 'p3')).toBe('b c a');
  });

  it('goes by time and id alone without a mainline', () => {
    const nodes = { ...line, new: { auth: ['p3'], ts: 1 }, old: { auth: ['p1'], ts: 2 } };
    expect(sort(nodes, 'new old', undefined)).toBe('new old');
    expect(sort(nodes, 'new old', 'gone')).toBe('new old');
  });

  it('does not take for power levels what has a state key', () => {
    expect(sort({ ...line, p2: { ...power('p1'), state_key: 'x' } }, 'mid old none', 'p3')).toBe('mid none old');
  });

  it('ends where power levels beside the mainline authorise each other', () => {
    const circle = { ...line, q1: power('q2'), q2: power('q3'), q3: power('q2'), a: ['q1'] };
    expect(sort(circle, 'a old', 'p3')).toBe('a old');
  });

  it('asks nothing of a graph that looks everything up itself', () => {
    const graph = new AuthGraph(graphOf(line));
    expect(mainlineSort(['new', 'old', 'aside'], 'p3', graph).next()).toMatchObject({ done: true });
  });

  it('leaves out what is not known and ends where power levels authorise each other', () => {
    const circle = {
      p1: power('p2'),
      p2: power('p1'),
      q1: power('q2'),
      q2: power('q1'),
      a: ['p1'],
      b: ['p2'],
      c: ['q1'],
    };
    expect(sort(circle, 'a b c gone', 'p2')).toBe('c a b');
  });
});

describe('a chain of a hundred thousand events', () => {
  const DEPTH = 100_000;
  const nodes: Record<string, Node> = { e0: { type: 'm.room.power_levels' } };
  for (let depth = 1; depth < DEPTH; depth++) {
    nodes[`e${depth}`] = { type: 'm.room.power_levels', auth: [`e${depth - 1}`] };
  }
  const lookup = graphOf(nodes);
  const last = `e${DEPTH - 1}`;

  it('is walked from end to end', () => {
    const states = [stateSet(`k=${last}`), stateSet('k=e0')];
    expect(authDifferenceOf(states, new AuthGraph(lookup)).size).toBe(DEPTH - 1);
    expect(conflictedSubgraphOf(['e0', last], new AuthGraph(lookup)).size).toBe(DEPTH);
    expect(mainlineSortOf([last, 'e1'], last, new AuthGraph(lookup))).toEqual(['e1', last]);
    expect(reverseTopologicalPowerSort(Object.keys(nodes).reverse(), new AuthGraph(lookup), V11)).toEqual(
      Object.keys(nodes),
    );
  });

  it('is looked up once for each event', () => {
    const asked = new Map<string, number>();
    const counting = {
      event: (eventId: string) => {
        asked.set(eventId, (asked.get(eventId) ?? 0) + 1);
        return lookup.event(eventId);
      },
    };
    const graph = new AuthGraph(counting);
    authDifferenceOf([stateSet(`k=${last}`), stateSet('k=e0')], graph);
    conflictedSubgraphOf(['e0', last], graph);
    expect(new Set(asked.values())).toEqual(new Set([1]));
  });
});
