import { setImmediate as turn } from 'node:timers/promises';
import { PartBudget } from '../src/storage/s3/part-budget.js';

const PART = 100;

async function settle(): Promise<void> {
  for (let turns = 0; turns < 100; turns++) await turn();
}

/** So many uploads of 250 bytes each, and how much of each has been read. */
function uploads(count: number, budget: PartBudget) {
  return Array.from({ length: count }, () => {
    const upload = { read: 0, ended: false, error: undefined as unknown };
    async function* source(): AsyncIterable<Uint8Array> {
      for (let piece = 0; piece < 25; piece++) {
        upload.read += 10;
        yield new Uint8Array(10);
      }
    }
    const budgeted = budget.over(source());
    void (async () => {
      try {
        for await (const piece of budgeted.bytes) if (piece.length !== 10) throw new Error('not what was sent');
        upload.ended = true;
      } catch (error) {
        upload.error = error;
      }
    })();
    return { upload, budgeted };
  });
}

it('however many files are uploaded at once, only so many of their parts are read before others are sent', async () => {
  const all = uploads(8, new PartBudget(PART, 2));
  await settle();
  const read = () => all.map(({ upload }) => upload.read);
  // A part, and the piece by which it is known to be complete.
  expect(read()).toEqual([110, 110, 0, 0, 0, 0, 0, 0]);
  all[0]!.budgeted.sent();
  await settle();
  expect(read()).toEqual([110, 110, 110, 0, 0, 0, 0, 0]);
  for (let rounds = 0; rounds < 60; rounds++) {
    for (const { upload, budgeted } of all) {
      if (upload.ended) budgeted.release();
      else if (upload.read > 0) budgeted.sent();
    }
    await settle();
  }
  expect(all.map(({ upload }) => upload.ended)).toEqual(all.map(() => true));
});

it('an upload that is given up makes room for the next, and reads no more of its source', async () => {
  const [first, second] = uploads(2, new PartBudget(PART, 1));
  await settle();
  expect([first!.upload.read, second!.upload.read]).toEqual([110, 0]);
  first!.budgeted.release();
  await settle();
  expect([first!.upload.read, second!.upload.read]).toEqual([110, 110]);
  expect(first!.upload.error).toBeInstanceOf(Error);
});

it('one that is given up while it waits for its turn leaves the turn to others', async () => {
  const [first, second, third] = uploads(3, new PartBudget(PART, 1));
  await settle();
  second!.budgeted.release();
  first!.budgeted.release();
  await settle();
  expect(third!.upload.read).toBe(110);
});
