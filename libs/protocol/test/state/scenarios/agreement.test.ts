import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, ELLA, joins, power, says, topic, ZARA } from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };

describe('nothing in conflict', () => {
  runScenarios([
    {
      title: 'a line without a fork',
      events: { T1: topic(ALICE), PA: power(ALICE, MODS), T2: topic(BOB) },
      edges: ['START > T1 > PA > T2'],
      expected: { 'v1-12': 'PA T2' },
    },
    {
      title: 'a fork of messages',
      events: { M1: says(ALICE), M2: says(BOB) },
      edges: ['START > M1', 'START > M2'],
      expected: { 'v1-12': '' },
    },
    {
      title: 'two users join at the same time',
      events: { ME: joins(ELLA), MF: joins('@fred:f.example') },
      edges: ['START > ME', 'START > MF'],
      expected: { 'v1-12': 'ME MF' },
    },
    {
      title: 'a fork that one event brought together again',
      events: { T1: topic(ALICE), ME: joins(ELLA), M: says(ZARA) },
      edges: ['START > T1 > M', 'START > ME > M'],
      expected: { 'v1-12': 'ME T1' },
    },
  ]);
});
