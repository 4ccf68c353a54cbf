import type { GetAccountStatusResponse } from '@ganglion/contracts/user';
import { checkSender } from '../src/domain/delayed/check-sender.js';
import type { DelayedEventRow } from '../src/domain/delayed/delayed-event.js';

const EVENT = { sender: '@alice:one.test', type: 'm.room.message', stateKey: undefined, contentJson: '{}' };
const USUAL = { ended: false, locked: false, suspended: false };

const check = (answer: () => Promise<GetAccountStatusResponse>) =>
  checkSender({ getAccountStatus: answer }, EVENT as unknown as DelayedEventRow);

it.each([
  ['M_USER_DEACTIVATED', { ended: true }],
  ['M_USER_LOCKED', { locked: true }],
  ['M_USER_SUSPENDED', { suspended: true }],
])('what was to be sent later is refused with %s', async (errcode, change) => {
  await expect(check(async () => ({ ...USUAL, ...change }))).rejects.toMatchObject({ errcode });
});

it('a user-server of the release before keeps nothing from being sent', async () => {
  expect(await check(() => Promise.reject(Object.assign(new Error('what?'), { code: 'UNIMPLEMENTED' })))).toBe(false);
});

it('nothing is sent while nobody can be asked', async () => {
  const away = Object.assign(new Error('away'), { code: 'UNAVAILABLE' });
  await expect(check(() => Promise.reject(away))).rejects.toBe(away);
});
