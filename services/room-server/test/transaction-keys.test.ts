import { forgottenSlot, rememberedSlots, transactionKey, transactionSlot } from '../src/storage/transaction-keys.js';

const HOUR = 3_600_000;
const NOON = Date.UTC(2026, 10, 29, 12);
const MIDNIGHT = NOON + 12 * HOUR;

describe('the parts of the table of transactions', () => {
  it.each([0, 1, 25, 47])('have a transaction of %s hours ago where it is looked for', (hours) => {
    for (let now = NOON; now < NOON + 24 * HOUR; now += HOUR / 2) {
      expect(rememberedSlots(now)).toContain(transactionSlot(now - hours * HOUR));
    }
  });

  it('are not emptied while another replica, whose clock is off by almost an hour, may write or look there', () => {
    for (let now = NOON; now < NOON + 24 * HOUR; now += HOUR / 4) {
      const slot = forgottenSlot(now);
      if (slot === undefined) continue;
      for (const offset of [-0.99, 0, 0.99]) {
        const there = now + offset * HOUR;
        for (const hours of [0, 12, 24, 36, 48]) expect(transactionSlot(there - hours * HOUR)).not.toBe(slot);
      }
    }
  });

  it('let a replica find what one whose clock is ahead has written into the part of tomorrow', () => {
    const now = MIDNIGHT - HOUR / 2;
    expect(rememberedSlots(now)).toContain(transactionSlot(now + HOUR * 0.9));
  });

  it('are emptied one after the other, each day one', () => {
    const days = [0, 1, 2, 3].map((day) => forgottenSlot(NOON + day * 24 * HOUR));
    expect(new Set(days).size).toBe(4);
  });
});

describe('the key of a transaction', () => {
  const transaction = { userId: '@a:x', deviceId: 'D', scope: 's', txnId: '1' };

  it('is the same for the same transaction, and another for another', () => {
    expect(transactionKey({ ...transaction })).toBe(transactionKey(transaction));
    expect(transactionKey({ ...transaction, txnId: '2' })).not.toBe(transactionKey(transaction));
  });
});
