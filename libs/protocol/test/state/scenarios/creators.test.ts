import { runScenarios } from '../run-scenario.js';
import { ALICE, BOB, bans, CHARLIE, joinRule, power } from '../scenario.js';

const ADMINS = { [ALICE]: 100, [BOB]: 100 };

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
