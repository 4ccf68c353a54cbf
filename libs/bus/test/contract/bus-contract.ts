import type { OpenBuses } from '../support.js';
import { describeDelivery } from './delivery.js';
import { describeFailures } from './failures.js';
import { describeLife } from './life.js';
import { describeSignals } from './signals.js';
import { describeTracing } from './tracing.js';

/** What every adapter promises. */
export function describeBusContract(name: string, open: OpenBuses): void {
  describe(`${name}: delivery`, () => describeDelivery(open));
  describe(`${name}: failures`, () => describeFailures(open));
  describe(`${name}: broadcasts`, () => describeSignals(open));
  describe(`${name}: traces`, () => describeTracing(open));
  describe(`${name}: life`, () => describeLife(open));
}
