import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, bans, CHARLIE, joins, kicks, leaves, power, says, topic, ZARA } from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };

describe('bans', () => {
  runScenarios([
    {
      title: 'a moderator is banned while sending power levels',
      events: {
        PA: power(ALICE, MODS),
        MB: bans(ALICE, BOB),
        PB: power(BOB, MODS),
      },
      edges: ['START > PA > MB', 'PA > PB'],
      expected: { 'v2-12': 'MB PA' },
    },
    {
      title: 'the same when the ban was sent later',
      events: { PA: power(ALICE, MODS), PB: power(BOB, MODS), MB: bans(ALICE, BOB) },
      edges: ['START > PA > MB', 'PA > PB'],
      expected: { 'v2-12': 'MB PA' },
    },
    {
      title: 'the same when the admin takes another name before the ban',
      events: { PA: power(ALICE, MODS), MA: joins(ALICE), MB: bans(ALICE, BOB), PB: power(BOB, MODS) },
      edges: ['START > PA > MA > MB', 'PA > PB'],
      expected: { 'v2-12': 'MA MB PA' },
    },
    {
      title: 'a moderator is banned while setting the topic',
      events: { PA: power(ALICE, MODS), T1: topic(ALICE), MB: bans(ALICE, BOB), T2: topic(BOB) },
      edges: ['START > PA > T1 > MB', 'T1 > T2'],
      expected: { 'v2-12': 'MB PA T1' },
    },
    {
      title: 'a moderator sets the topic, then is banned; the other side knows neither',
      events: { T1: topic(ALICE), PA: power(ALICE, MODS), T2: topic(BOB), MB: bans(ALICE, BOB), M: says(ZARA) },
      edges: ['START > T1 > PA > T2 > MB', 'T1 > M'],
      expected: { 'v2-12': 'MB PA T1' },
    },
    {
      title: 'moderators ban each other',
      events: {
        PA: power(ALICE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 50 }),
        BC: bans(CHARLIE, BOB),
        BB: bans(BOB, CHARLIE),
      },
      edges: ['START > PA > BB', 'PA > BC'],
      expected: { 'v2-12': 'BB PA' },
    },
    {
      title: 'a banned user renames themself on a fork from before the ban',
      events: { MB: bans(ALICE, BOB), MB2: joins(BOB) },
      edges: ['START > MB', 'START > MB2'],
      expected: { 'v2-12': 'MB' },
    },
    {
      title: 'a kicked user joins again on the other side',
      events: { KB: kicks(ALICE, BOB), MB: joins(BOB) },
      edges: ['START > KB', 'START > MB'],
      expected: { 'v2-12': 'MB' },
    },
    {
      title: 'a user leaves while being banned',
      events: { LB: leaves(BOB), MB: bans(ALICE, BOB) },
      edges: ['START > LB', 'START > MB'],
      expected: { 'v2-12': 'MB' },
    },
  ]);
});
