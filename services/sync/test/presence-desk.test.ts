import type { PresenceState } from '../src/domain/presence/presence.js';
import { PresenceDesk } from '../src/domain/presence/presence-desk.js';

const ALICE = '@alice:one.test';
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const BEGIN = 1_000_000_000;

let desk: PresenceDesk;
let now: number;
beforeEach(() => {
  desk = new PresenceDesk((userId) => userId.endsWith(':one.test'));
  now = BEGIN;
  desk.learn(ALICE, undefined, now);
});

const note = (deviceId: string, state: PresenceState, others: { isActive?: boolean; statusMsg?: string | null } = {}) =>
  desk.note({ userId: ALICE, deviceId, state, isActive: false, ...others }, now);

/** What is told now, as if it were appended. */
function told() {
  desk.expire(now);
  const changes = desk.changes(now);
  desk.werePlaced(changes, now);
  return changes.map(({ presence, statusMsg }) => (statusMsg === undefined ? presence : `${presence} ${statusMsg}`));
}

it('who is there is online, which is told once', () => {
  note('PHONE', 'online');
  expect(told()).toEqual(['online']);
  now += 20 * SECOND;
  note('PHONE', 'online');
  expect(told()).toEqual([]);
});

it('who was not heard of for a minute is offline', () => {
  note('PHONE', 'online');
  told();
  now += 59 * SECOND;
  expect(told()).toEqual([]);
  now += 2 * SECOND;
  expect(told()).toEqual(['offline']);
});

it('who does nothing for five minutes is unavailable, and online again when they do something', () => {
  note('PHONE', 'online');
  told();
  const changes: string[][] = [];
  for (let seconds = 0; seconds <= 301; seconds += 20) {
    now += 20 * SECOND;
    note('PHONE', 'online');
    changes.push(told());
  }
  expect(changes.flat()).toEqual(['unavailable']);
  desk.active(ALICE, now);
  expect(told()).toEqual(['online']);
});

it('the most reachable of several devices counts', () => {
  note('PHONE', 'unavailable');
  expect(told()).toEqual(['unavailable']);
  note('LAPTOP', 'online');
  expect(told()).toEqual(['online']);
  note('LAPTOP', 'offline');
  expect(told()).toEqual(['unavailable']);
  note('PHONE', 'offline');
  expect(told()).toEqual(['offline']);
});

it('what a user says of themselves stays until they say something else', () => {
  note('PHONE', 'online', { isActive: true, statusMsg: 'lunch' });
  expect(told()).toEqual(['online lunch']);
  note('PHONE', 'unavailable');
  expect(told()).toEqual(['unavailable lunch']);
  note('PHONE', 'unavailable', { statusMsg: null });
  expect(told()).toEqual(['unavailable']);
});

it('that somebody who goes on being online does something is told at most once a minute', () => {
  note('PHONE', 'online');
  told();
  let count = 0;
  for (let second = 0; second < 600; second += 1) {
    now += SECOND;
    if (second % 20 === 0) note('PHONE', 'online');
    desk.active(ALICE, now);
    count += told().length;
  }
  expect(count).toBe(10);
});

it('who was there before a term, and is not heard of in it, is offline a minute later', () => {
  desk = new PresenceDesk(() => true);
  desk.learn(ALICE, { userId: ALICE, presence: 'online', statusMsg: 'x', lastActiveTs: now - MINUTE }, now);
  expect(told()).toEqual([]);
  now += 61 * SECOND;
  expect(told()).toEqual(['offline x']);
});

it('what could not be appended is told with the next change', () => {
  note('PHONE', 'online');
  expect(desk.changes(now).map(({ presence }) => presence)).toEqual(['online']);
  expect(told()).toEqual(['online']);
});

it('users of other servers are what their servers say, and offline when these say nothing for half an hour', () => {
  const userId = '@bob:two.test';
  desk.learn(userId, undefined, now);
  desk.noteRemote({ userId, state: 'online', statusMsg: 'far', lastActiveAgoMs: 10 * MINUTE }, now);
  expect(told()).toEqual(['online far']);
  now += 29 * MINUTE;
  expect(told()).toEqual([]);
  now += 2 * MINUTE;
  expect(told()).toEqual(['offline far']);
});

it('who goes on being there is told of again now and then, but for users of other servers', () => {
  const BOB = '@bob:two.test';
  desk.learn(BOB, undefined, now);
  note('PHONE', 'online');
  desk.noteRemote({ userId: BOB, state: 'online', statusMsg: undefined, lastActiveAgoMs: 0 }, now);
  told();
  const goOn = (minutes: number) => {
    now += minutes * MINUTE;
    note('PHONE', 'online');
    return desk.goOn(now).map(({ userId, presence }) => [userId, presence]);
  };
  expect([goOn(19), goOn(2), goOn(1)]).toEqual([[], [[ALICE, 'online']], []]);
  note('PHONE', 'offline');
  told();
  expect(desk.goOn(now + 30 * MINUTE)).toEqual([]);
});
