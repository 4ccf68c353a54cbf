import { setTimeout as sleep } from 'node:timers/promises';
import { loadGauge } from '../src/remote/load-gauge.js';

it('a process is busy while it has no time for anything else, and not when it has', async () => {
  const isBusy = loadGauge();
  expect(isBusy()).toBe(false);
  const end = performance.now() + 600;
  while (performance.now() < end) Math.sqrt(end);
  expect(isBusy()).toBe(true);
  await sleep(1_500);
  expect(isBusy()).toBe(false);
});
