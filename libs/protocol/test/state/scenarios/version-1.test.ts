import { runScenarios } from '../run-scenario.js';
import {
  ALICE,
  BOB,
  bans,
  CHARLIE,
  ELLA,
  invites,
  joinRule,
  joins,
  kicks,
  leaves,
  power,
  says,
  topic,
  ZARA,
} from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };
const ADMINS = { [ALICE]: 100, [BOB]: 100 };

describe('version 1', () => {
  runScenarios([
    {
      title: 'the deepest topic that is allowed, however late the others are',
      events: {
        T1: topic(ALICE, { at: 90 }),
        M: says(BOB),
        T2: topic(ALICE, { at: 80 }),
        T3: topic(ALICE, { at: 99 }),
      },
      edges: ['START > T1 > M > T2', 'START > T3'],
      expected: { v1: 'T2' },
    },
    {
      title: 'of topics of one depth that whose id has the lowest SHA-1',
      events: { TX: topic(ALICE), TY: topic(ALICE), TZ: topic(ALICE) },
      edges: ['START > TX', 'START > TY', 'START > TZ'],
      expected: { v1: 'TY' },
    },
    {
      title: 'a deep topic of a moderator who lost the power to set it is passed over',
      events: {
        T0: topic(ALICE),
        PA: power(ALICE, MODS),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
        M: says(BOB),
        TB: topic(BOB),
      },
      edges: ['START > T0 > PA > PA2', 'PA > M > TB'],
      expected: { v1: 'PA2 T0' },
    },
    {
      title: 'no topic is left when the power to set any of them is lost',
      events: {
        PA: power(ALICE, MODS),
        T1: topic(BOB),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 0 }),
        T2: topic(BOB),
      },
      edges: ['START > PA > T1 > PA2', 'PA > T2'],
      expected: { v1: 'PA2' },
    },
    {
      title: 'a moderator is banned while sending power levels',
      events: { PA: power(ALICE, MODS), MB: bans(ALICE, BOB), PB: power(BOB, MODS) },
      edges: ['START > PA > MB', 'PA > PB'],
      expected: { v1: 'MB PA' },
    },
    {
      title: 'a moderator is banned while setting the topic, for memberships are settled before topics',
      events: { PA: power(ALICE, MODS), T1: topic(ALICE), MB: bans(ALICE, BOB), T2: topic(BOB) },
      edges: ['START > PA > T1 > MB', 'T1 > T2'],
      expected: { v1: 'MB PA T1' },
    },
    {
      title: 'power levels follow each other until one is refused',
      events: {
        PA: power(ALICE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 50 }),
        PA2: power(ALICE, { [ALICE]: 100, [BOB]: 60 }),
        M1: says(ZARA),
        PC: power(CHARLIE, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 40 }),
        M2: says(ZARA),
        M3: says(ZARA),
        PB: power(BOB, { [ALICE]: 100, [BOB]: 60, [CHARLIE]: 50 }),
      },
      edges: ['START > PA > PA2', 'PA > M1 > PC', 'PA > M2 > M3 > PB'],
      dependsOnTheWay: true,
      expected: { v1: 'PA2' },
    },
    {
      title: 'a join that the other side never saw stays though the room was closed',
      events: { JR: joinRule(ALICE, 'invite'), ME: joins(ELLA) },
      edges: ['START > JR', 'START > ME'],
      expected: { v1: 'JR ME' },
    },
    {
      title: 'the first topic, which the other side never saw, stays though who set it is banned',
      events: { PA: power(ALICE, MODS), MB: bans(ALICE, BOB), TB: topic(BOB) },
      edges: ['START > PA > MB', 'PA > TB'],
      expected: { v1: 'MB PA TB' },
    },
    {
      title: 'join rules are settled before memberships',
      events: {
        IE: invites(ALICE, ELLA),
        LE: leaves(ELLA),
        JR: joinRule(ALICE, 'invite'),
        M: says(ZARA),
        ME: joins(ELLA),
      },
      edges: ['START > IE > LE > JR', 'IE > M > ME'],
      expected: { v1: 'JR LE' },
    },
    {
      title: 'power levels are judged by those before them in the row: nothing else tells what their sender may do',
      events: {
        PA: power(ALICE, ADMINS),
        PA2: power(ALICE, { ...ADMINS, [CHARLIE]: 10 }),
        M: says(ZARA),
        PB: power(BOB, { ...ADMINS, [ZARA]: 10 }),
      },
      edges: ['START > PA > PA2', 'PA > M > PB'],
      expected: { v1: 'PB' },
    },
    {
      title: 'a user comes back when the deeper join rules, which are settled before, let them',
      events: {
        E0: joins(ELLA),
        LE: leaves(ELLA),
        JR1: joinRule(ALICE, 'invite'),
        M1: says(ZARA),
        M2: says(ZARA),
        JR2: joinRule(ALICE, 'public'),
        ME: joins(ELLA),
      },
      edges: ['START > E0 > LE > JR1', 'E0 > M1 > M2 > JR2 > ME'],
      expected: { v1: 'JR2 ME' },
    },
    {
      title: 'an invite is judged by the membership of who sends it, not of whom it is about',
      events: { KB: kicks(ALICE, BOB), LB: leaves(BOB), IB: invites(ALICE, BOB) },
      edges: ['START > KB', 'START > LB > IB'],
      expected: { v1: 'IB' },
    },
    {
      title: 'a ban ends the row of memberships, however deep the next one is',
      events: { MB: bans(ALICE, BOB), M: says(ZARA), MB2: joins(BOB) },
      edges: ['START > MB', 'START > M > MB2'],
      expected: { v1: 'MB' },
    },
    {
      title: 'a ban that is deeper than a new name follows it',
      events: { M: says(ZARA), MB: bans(ALICE, BOB), MB2: joins(BOB) },
      edges: ['START > M > MB', 'START > MB2'],
      expected: { v1: 'MB' },
    },
  ]);
});
