/**
 * matrix-js-sdk gives every request a timer and never clears it: after a /sync it ticks on for nearly two minutes. From now
 * on no timer keeps the tests from ending.
 */
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = Object.assign(
  (...args: Parameters<typeof setTimer>) => setTimer(...args).unref(),
  setTimer,
) as typeof setTimer;
