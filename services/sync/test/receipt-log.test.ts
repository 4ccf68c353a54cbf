import type { AppendBatch, ReceiptRow } from '../src/domain/append-batch.js';
import { ReceiptLog } from '../src/domain/views/receipt-log.js';
import { NOTHING } from './support/batches.js';

function receipt(roomNid: number, position: number): ReceiptRow {
  const what = { type: 'm.read', threadId: '', eventId: `$${position}`, eventPosition: position, ts: position };
  return { roomNid, userId: '@alice:one.test', position, ...what };
}

function batch(previousPosition: number, receipts: readonly ReceiptRow[]): AppendBatch {
  return { ...NOTHING, previousPosition, position: previousPosition + receipts.length, receipts };
}

describe('the receipts that a replica has seen', () => {
  it('are those since it listens', () => {
    const log = new ReceiptLog();
    expect(log.covers(0)).toBe(false);
    log.apply(batch(10, [receipt(1, 11), receipt(2, 12)]));
    log.apply(batch(12, [receipt(1, 13)]));
    expect([log.covers(9), log.covers(10), log.covers(13)]).toEqual([false, true, true]);
    const positions = (above: number, upTo: number) => log.between(1, above, upTo).map(({ position }) => position);
    expect([positions(10, 13), positions(11, 13), positions(10, 12), positions(13, 20)]).toEqual([
      [11, 13],
      [13],
      [11],
      [],
    ]);
    expect(log.between(3, 10, 13)).toEqual([]);
  });

  it('are forgotten when there are too many, and never told incompletely', () => {
    const log = new ReceiptLog();
    const many = Array.from({ length: 20_000 }, (_, i) => receipt(1, i + 1));
    log.apply(batch(0, many));
    expect(log.between(1, 0, 20_000)).toHaveLength(20_000);
    log.apply(batch(20_000, [receipt(1, 20_001)]));
    expect([log.covers(20_000), log.covers(20_001)]).toEqual([false, true]);
    log.apply(batch(20_001, [receipt(1, 20_002)]));
    expect(log.between(1, 20_001, 20_002)).toEqual([receipt(1, 20_002)]);
  });
});
