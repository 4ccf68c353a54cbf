import { eventually } from '@ganglion/testing';
import { Following } from '../src/following.js';

it('destinations are looked at when what was read is for some of them, and only then', async () => {
  const ending = new AbortController();
  const answers = [false, true, false];
  let [readings, looks] = [0, 0];
  const following = new Following({
    ...{ what: 'a log', gatherMs: 1, logger: { warn: () => {} } as never },
    read: async () => answers[readings++] ?? false,
    afterwards: async () => {
      looks += 1;
    },
  });
  const running = following.run(ending.signal);
  await eventually(() => {
    following.wake();
    expect(readings).toBeGreaterThan(answers.length);
  });
  ending.abort();
  await running;
  expect(looks).toBe(1);
});
