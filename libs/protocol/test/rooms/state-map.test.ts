import fc from 'fast-check';
import { splitStateTuple, stateTuple } from '../../src/index.js';
import { text } from '../support/arbitraries.js';

/** Text in which colons and digits abound, which the tuple uses itself. */
const tricky = fc.oneof(text, fc.string({ unit: fc.constantFrom(':', '1', '2', '\0', 'a') }));

describe('a pair of event type and state key', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(tricky, tricky, (type, stateKey) => {
        expect(splitStateTuple(stateTuple(type, stateKey))).toEqual([type, stateKey]);
      }),
    );
  });

  it('is another than every other pair', () => {
    fc.assert(
      fc.property(tricky, tricky, tricky, tricky, (type, stateKey, otherType, otherKey) => {
        const same = type === otherType && stateKey === otherKey;

        expect(stateTuple(type, stateKey) === stateTuple(otherType, otherKey)).toBe(same);
      }),
    );
  });

  it('is told apart wherever the border runs', () => {
    expect(stateTuple('ab', 'c')).not.toBe(stateTuple('a', 'bc'));
    expect(stateTuple('', 'abc')).not.toBe(stateTuple('abc', ''));
  });
});
