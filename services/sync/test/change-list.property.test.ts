import fc from 'fast-check';
import { ChangeList, type Listed } from '../src/domain/views/change-list.js';

interface Item extends Listed {
  readonly name: number;
}

const newItem = (name: number, changedAt: number): Item => ({ name, changedAt, newer: undefined, older: undefined });

/** Items are added at a position, or touched at one. */
const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 30 })), { maxLength: 60 });

it('a list of changes has what changed above any position, the latest first', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const list = new ChangeList<Item>();
      const items = new Map<number, Item>();
      const changes = new Map<number, number>();
      for (const [name, position] of taken) {
        const item = items.get(name) ?? newItem(name, position);
        if (items.has(name)) list.touch(item, position);
        else list.add(item);
        items.set(name, item);
        changes.set(name, Math.max(position, changes.get(name) ?? 0));
        expect(list.changedAt).toBe(Math.max(...changes.values()));
        for (let above = -1; above <= 30; above += 4) {
          const listed = list.above(above);
          const expected = [...changes].filter(([, at]) => at > above).map(([known]) => known);
          expect(listed.map((known) => known.name).sort()).toEqual(expected.sort());
          const positions = listed.map(({ changedAt }) => changedAt);
          expect(positions).toEqual(positions.toSorted((one, other) => other - one));
        }
      }
    }),
  );
});

it('and an empty one has nothing', () => {
  const list = new ChangeList<Item>();
  expect([list.changedAt, list.above(0)]).toEqual([0, []]);
});
