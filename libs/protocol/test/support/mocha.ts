/**
 * What the tests of the rules use of jest, for mocha: Stryker starts jest anew for each mutant, which takes seconds, but
 * keeps mocha with all tests loaded, so that a mutant costs no more than the tests that reach it.
 */
import { expect } from 'expect';
import { bind } from 'jest-each';

type Global = Parameters<typeof bind>[0] & { each?: ReturnType<typeof bind> };

/** Mocha sets its globals again before each file that it loads. */
function addEachTo(name: 'describe' | 'it'): void {
  let current: Global;
  Object.defineProperty(globalThis, name, {
    configurable: true,
    get: () => current,
    set: (value: Global) => {
      current = value;
      current.each = bind(value);
    },
  });
}

Object.assign(globalThis, { expect });
Object.defineProperty(globalThis, 'beforeAll', { get: () => Reflect.get(globalThis, 'before') });
addEachTo('describe');
addEachTo('it');
