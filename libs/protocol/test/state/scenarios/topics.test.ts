import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, power, says, topic, ZARA } from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };

describe('topics', () => {
  runScenarios([
    {
      title: 'the moderator’s topic is undone with the power to set it',
      events: {
        PA: power(ALICE, MODS),
        T1: topic(ALICE),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
        T2: topic(BOB),
      },
      edges: ['START > PA > T1 > PA2', 'PA > T2'],
      expected: { 'v2-12': 'PA2 T1' },
    },
    {
      title: 'the moderator confirms their own power before the topic',
      events: {
        T1: topic(ALICE),
        PA1: power(ALICE, MODS),
        T2: topic(ALICE),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
        PB: power(BOB, MODS),
        T3: topic(BOB),
      },
      edges: ['START > T1 > PA1 > T2 > PA2', 'PA1 > PB > T3'],
      expected: { 'v2-12': 'PA2 T2' },
    },
    {
      title: 'the sides meet and the admin sets another topic',
      events: {
        T1: topic(ALICE),
        PA1: power(ALICE, MODS),
        T2: topic(ALICE),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
        PB: power(BOB, MODS),
        T3: topic(BOB),
        M: says(ZARA),
        T4: topic(ALICE),
      },
      edges: ['START > T1 > PA1 > T2 > PA2 > M > T4', 'PA1 > PB > T3 > M'],
      expected: { 'v2-12': 'PA2 T4' },
    },
    {
      title: 'a topic under newer power levels outlives a later one under older ones',
      events: {
        T1: topic(ALICE),
        PA1: power(ALICE, MODS),
        T2: topic(ALICE),
        PA2: power(ALICE, MODS, { events: { 'm.room.power_levels': 100 } }),
        PB: power(BOB, MODS),
        T3: topic(BOB),
        T4: topic(ALICE),
      },
      edges: ['START > T1 > PA1 > T2 > PA2 > T3', 'PA1 > PB > T4'],
      expected: { 'v2-12': 'PA2 T3' },
    },
    {
      title: 'topics under the same power levels: the later one',
      events: { PA: power(ALICE, MODS), TB: topic(BOB), TA: topic(ALICE) },
      edges: ['START > PA > TA', 'PA > TB'],
      expected: { 'v2-12': 'PA TA' },
    },
    {
      title: 'levels in strings count up to version 9',
      events: { PA: power(ALICE, { [ALICE]: '100', [BOB]: '50' }), TA: topic(ALICE), TB: topic(BOB) },
      edges: ['START > PA > TA', 'PA > TB'],
      expected: { 'v2-9': 'PA TB', 'v10-12': 'TA' },
    },
    {
      title: 'topics of the same moment: the greater id',
      events: { TB: topic(ALICE, { at: 50 }), TA: topic(ALICE, { at: 50 }) },
      edges: ['START > TA', 'START > TB'],
      expected: { 'v2-12': 'TB' },
    },
    {
      title: 'three topics at once',
      events: { T1: topic(ALICE, { at: 52 }), T2: topic(ALICE, { at: 51 }), T3: topic(ALICE, { at: 50 }) },
      edges: ['START > T1', 'START > T2', 'START > T3'],
      expected: { 'v2-12': 'T1' },
    },
  ]);
});
