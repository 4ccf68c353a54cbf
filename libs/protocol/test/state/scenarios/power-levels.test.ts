import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, CHARLIE, power, says, ZARA } from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };
const ADMINS = { [ALICE]: 100, [BOB]: 100 };

describe('power levels', () => {
  runScenarios([
    {
      title: 'the admin demotes a moderator who changes other levels meanwhile',
      events: {
        PA: power(ALICE, MODS),
        PB: power(BOB, MODS, { users_default: -1 }),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
      },
      edges: ['START > PA > PB', 'PA > PA2'],
      expected: { 'v2-12': 'PA2' },
    },
    {
      title: 'admins demote themselves and each other’s friends',
      events: {
        PA: power(ALICE, { ...ADMINS, [CHARLIE]: 50, [ZARA]: 50 }),
        PA2: power(ALICE, { ...ADMINS, [ZARA]: 50 }),
        PB: power(BOB, { ...ADMINS, [CHARLIE]: 50 }),
      },
      edges: ['START > PA > PA2', 'PA > PB'],
      expected: { 'v2-12': 'PB' },
    },
    {
      title: 'an admin steps down on one side and demotes a moderator on the other',
      events: {
        PA: power(ALICE, { ...ADMINS, [CHARLIE]: 50 }),
        PB1: power(BOB, { [ALICE]: 100, [BOB]: 50, [CHARLIE]: 50 }),
        PB2: power(BOB, ADMINS),
      },
      edges: ['START > PA > PB1', 'PA > PB2'],
      expected: { 'v2-12': 'PB1' },
    },
    {
      title: 'a side that knows only the oldest of three power levels',
      events: {
        PA: power(ALICE, MODS),
        PB: power(BOB, { ...MODS, [CHARLIE]: 50 }),
        PC: power(CHARLIE, { ...MODS, [CHARLIE]: 0 }),
        M: says(ZARA),
      },
      edges: ['START > PA > PB > PC', 'PA > M'],
      expected: { 'v2-12': 'PC' },
    },
    {
      title: 'three sides with power levels of their own',
      events: {
        PA: power(ALICE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 50 }),
        PC: power(CHARLIE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 40 }),
        PB: power(BOB, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 0 }),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 55 }),
      },
      edges: ['START > PA > PA2', 'PA > PB', 'PA > PC'],
      expected: { 'v2-12': 'PB' },
    },
  ]);
});
