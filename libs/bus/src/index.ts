export * from './bus.js';
export * from './codec.js';
export { BusClosedError, BusUnavailableError, PoisonError } from './errors.js';
