import { performance } from 'node:perf_hooks';

/** The share of time in which the event loop has something to do, from which on whoever comes waits for others. */
const BUSY = 0.75;
const WINDOW_MS = 250;

/** Tells whether this process has been busy for the last moment or so. */
export function loadGauge(): () => boolean {
  let from = performance.eventLoopUtilization();
  let isBusy = false;
  return () => {
    const since = performance.eventLoopUtilization(from);
    if (since.active + since.idle < WINDOW_MS) return isBusy;
    from = performance.eventLoopUtilization();
    isBusy = since.utilization > BUSY;
    return isBusy;
  };
}
