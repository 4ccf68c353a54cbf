import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, ELLA, invites, joinRule, joins, power } from '../scenario.js';

const MODS = { [ALICE]: 100, [BOB]: 50 };

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
