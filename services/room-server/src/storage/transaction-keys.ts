import { hash } from 'node:crypto';
import type { Transaction } from '../domain/ports/rooms.js';

const DAY_MS = 86_400_000;
/** Today's, yesterday's, that of the day before, and one to be emptied. */
const SLOTS = 4;
/** By how much the clocks of replicas may differ at most. */
const MARGIN_MS = 3_600_000;

/** The part of the table that transactions of a time go into. @param ms since the epoch */
export function transactionSlot(ms = Date.now()): number {
  return Math.floor(ms / DAY_MS) % SLOTS;
}

/**
 * The parts in which transactions are looked for: those of today, yesterday and the day before, and around midnight that of
 * tomorrow, where a replica whose clock is ahead puts its own already.
 */
export function rememberedSlots(now = Date.now()): number[] {
  return [...new Set([now + MARGIN_MS, now, now - DAY_MS, now - 2 * DAY_MS].map(transactionSlot))];
}

/**
 * The part that holds nothing that is looked for any more. There is none around midnight: what one replica takes for the
 * end of the day before yesterday may be the beginning of another one's tomorrow.
 */
export function forgottenSlot(now = Date.now()): number | undefined {
  const slot = transactionSlot(now + DAY_MS);
  const isUsed = [...rememberedSlots(now), transactionSlot(now - 2 * DAY_MS - MARGIN_MS)].includes(slot);
  return isUsed ? undefined : slot;
}

const keys = new WeakMap<Transaction, bigint>();

/** A number that a transaction is found by; that it is the same one has to be compared. */
export function transactionKey(transaction: Transaction): bigint {
  const known = keys.get(transaction);
  if (known !== undefined) return known;
  const { userId, deviceId, scope, txnId } = transaction;
  const key = hash('sha256', [userId, deviceId, scope, txnId].join('\x1f'), 'buffer').readBigInt64BE();
  keys.set(transaction, key);
  return key;
}
