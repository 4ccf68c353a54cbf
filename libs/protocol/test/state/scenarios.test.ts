import { runScenarios } from './run-scenario.js';
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
} from './scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };
const ADMINS = { [ALICE]: 100, [BOB]: 100 };

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

describe('join rules', () => {
  runScenarios([
    {
      title: 'a user joins on a fork from before the room was closed',
      events: { JR: joinRule(ALICE, 'invite'), ME: joins(ELLA) },
      edges: ['START > JR', 'START > ME'],
      expected: { 'v2-12': 'JR' },
    },
    {
      title: 'the same once the moderators were named',
      events: { PA: power(ALICE, MODS), ME: joins(ELLA), JR: joinRule(ALICE, 'invite') },
      edges: ['START > PA > JR', 'PA > ME'],
      expected: { 'v2-12': 'JR PA' },
    },
    {
      title: 'an invited user joins while the room is closed',
      events: { IE: invites(ALICE, ELLA), JR: joinRule(ALICE, 'invite'), ME: joins(ELLA) },
      edges: ['START > IE > JR', 'IE > ME'],
      expected: { 'v2-12': 'JR ME' },
    },
    {
      title: 'a member renames themself while the room is closed',
      events: { JR: joinRule(ALICE, 'invite'), MB: joins(BOB) },
      edges: ['START > JR', 'START > MB'],
      expected: { 'v2-12': 'JR MB' },
    },
    {
      title: 'join rules of the same sender: the later one, whatever the ids',
      events: { JR2: joinRule(ALICE, 'knock', { at: 50 }), JR1: joinRule(ALICE, 'invite', { at: 51 }) },
      edges: ['START > JR1', 'START > JR2'],
      expected: { 'v2-12': 'JR1' },
    },
    {
      title: 'join rules of the same moment: the greater id',
      events: { JR2: joinRule(ALICE, 'knock', { at: 50 }), JR1: joinRule(ALICE, 'invite', { at: 50 }) },
      edges: ['START > JR1', 'START > JR2'],
      expected: { 'v2-12': 'JR2' },
    },
    {
      title: 'join rules of a moderator and of the admin: the moderator’s, for they are applied last',
      events: { PA: power(ALICE, MODS), JRB: joinRule(BOB, 'knock'), JRA: joinRule(ALICE, 'invite') },
      edges: ['START > PA > JRA', 'PA > JRB'],
      expected: { 'v2-12': 'JRB PA' },
    },
  ]);
});

describe('creators (MSC4289)', () => {
  runScenarios([
    {
      title: 'the creator and an admin set join rules: the later one, until the creator has more power',
      events: { PA: power(ALICE, ADMINS), JRB: joinRule(BOB, 'knock'), JRA: joinRule(ALICE, 'invite') },
      edges: ['START > PA > JRA', 'PA > JRB'],
      expected: { 'v2-11': 'JRA PA', v12: 'JRB PA' },
    },
    {
      title: 'an admin bans a moderator while the creator takes the admin’s power',
      events: {
        PA: power(ALICE, { ...ADMINS, [CHARLIE]: 50 }),
        BC: bans(BOB, CHARLIE),
        PA2: power(ALICE, { [ALICE]: 100, [CHARLIE]: 50 }),
      },
      edges: ['START > PA > PA2', 'PA > BC'],
      expected: { 'v2-11': 'BC PA', v12: 'PA2' },
    },
  ]);
});

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
