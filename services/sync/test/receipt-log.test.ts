import type { ReceiptRow } from '../src/domain/append-batch.js';
import { ReceiptLog } from '../src/domain/views/receipt-log.js';

function receipt(roomNid: number, position: number): ReceiptRow {
  const what = { type: 'm.read', threadId: '', eventId: `$${position}`, eventPosition: position, ts: position };
  return { roomNid, userId: '@alice:one.test', position, ...what };
}

const receipts = (above: number, count: number, roomNid = 1) =>
  Array.from({ length: count }, (_, index) => receipt(roomNid, above + index + 1));

describe('the receipts that a replica has seen', () => {
  const apply = (log: ReceiptLog, rows: readonly ReceiptRow[]) =>
    log.apply({ position: rows.at(-1)?.position ?? 0, receipts: rows });
  const positions = (log: ReceiptLog, above: number, upTo: number) =>
    log.between(1, above, upTo).map(({ position }) => position);

  it('are those since it listens', () => {
    const log = new ReceiptLog();
    expect(log.covers(0)).toBe(false);
    log.begin(10);
    apply(log, [receipt(1, 11), receipt(2, 12)]);
    apply(log, [receipt(1, 13)]);
    expect([log.covers(9), log.covers(10), log.covers(13)]).toEqual([false, true, true]);
    const told = [positions(log, 10, 13), positions(log, 11, 13), positions(log, 10, 12), positions(log, 13, 20)];
    expect(told).toEqual([[11, 13], [13], [11], []]);
    expect(log.between(3, 10, 13)).toEqual([]);
  });

  it('are forgotten when there are too many, the oldest first, and never told incompletely', () => {
    const log = new ReceiptLog();
    log.begin(0);
    apply(log, receipts(0, 30_000));
    apply(log, receipts(30_000, 10));
    expect([log.covers(0), positions(log, 0, 40_000).length]).toEqual([true, 30_010]);
    apply(log, receipts(30_010, 29_990));
    expect([log.covers(0), log.covers(29_999), log.covers(30_000)]).toEqual([false, false, true]);
    expect(positions(log, 30_000, 70_000)).toHaveLength(30_000);
    apply(log, [receipt(1, 60_001)]);
    expect(positions(log, 59_999, 70_000)).toEqual([60_000, 60_001]);
    log.begin(60_001);
    expect([log.covers(60_000), positions(log, 60_001, 70_000)]).toEqual([false, []]);
  });
});
