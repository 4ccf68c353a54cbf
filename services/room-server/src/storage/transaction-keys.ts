import { hash } from 'node:crypto';
import type { Transaction } from '../domain/ports.js';

const DAY_MS = 86_400_000;
/** Today's, yesterday's, that of the day before, and one to be emptied. */
const SLOTS = 4;

/** The part of the table that transactions of a time go into. @param ms since the epoch */
export function transactionSlot(ms = Date.now()): number {
  return Math.floor(ms / DAY_MS) % SLOTS;
}

/** The parts in which transactions are looked for: those of today, yesterday and the day before. */
export function rememberedSlots(now = Date.now()): number[] {
  return [0, 1, 2].map((days) => transactionSlot(now - days * DAY_MS));
}

/** The part that holds nothing that is looked for any more. */
export function forgottenSlot(now = Date.now()): number {
  return transactionSlot(now + DAY_MS);
}

/** A number that a transaction is found by; that it is the same one has to be compared. */
export function transactionKey({ userId, deviceId, scope, txnId }: Transaction): bigint {
  return hash('sha256', [userId, deviceId, scope, txnId].join('\x1f'), 'buffer').readBigInt64BE();
}
