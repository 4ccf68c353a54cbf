import { isKeyValidAt, type VerifyKey } from '../../src/index.js';
import { versions } from '../support/rules.js';

const publicKey = new Uint8Array(32);
const CURRENT: VerifyKey = { publicKey, validUntilTs: 1000 };
const OLD: VerifyKey = { publicKey, expiredTs: 1000 };

describe('a current key', () => {
  it.each([
    [999, true],
    [1000, true],
    [1001, false],
  ])('that is valid until 1000 counts for an event of %i from version 5 on: %p', (ts, valid) => {
    for (const rules of versions(5, 12)) expect(isKeyValidAt(CURRENT, ts, rules)).toBe(valid);
  });

  it.each([999, 1001])('counts for an event of %i before version 5, whatever its valid_until_ts', (ts) => {
    for (const rules of versions(1, 4)) expect(isKeyValidAt(CURRENT, ts, rules)).toBe(true);
  });

  it('of which nobody knows how long it is valid counts before version 5 only', () => {
    for (const rules of versions(1, 4)) expect(isKeyValidAt({ publicKey }, 0, rules)).toBe(true);
    for (const rules of versions(5, 12)) expect(isKeyValidAt({ publicKey }, 0, rules)).toBe(false);
  });
});

describe('an old key', () => {
  it.each([
    [999, true],
    [1000, true],
    [1001, false],
  ])('that expired at 1000 counts for an event of %i in every version: %p', (ts, valid) => {
    for (const rules of versions(1, 12)) expect(isKeyValidAt(OLD, ts, rules)).toBe(valid);
  });
});
