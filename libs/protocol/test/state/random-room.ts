import fc from 'fast-check';
import { roomVersionRules, type StateMap } from '../../src/index.js';
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
  Room,
  type Sketch,
  topic,
  ZARA,
} from './scenario.js';

const user = fc.constantFrom(ALICE, BOB, CHARLIE, ELLA, ZARA);
const level = fc.constantFrom(0, 40, 50, 100);
const users = fc.record({ [BOB]: level, [CHARLIE]: level, [ZARA]: level }, { requiredKeys: [] });

/** What people do in rooms when they quarrel. Much of it is refused; that is part of the game. */
const sketch: fc.Arbitrary<Sketch> = fc.oneof(
  fc.tuple(user, users).map(([sender, levels]) => power(sender, { [ALICE]: 100, ...levels })),
  fc.tuple(user, fc.constantFrom('public', 'invite', 'knock')).map(([sender, rule]) => joinRule(sender, rule)),
  fc.tuple(user, user).map(([sender, target]) => bans(sender, target)),
  fc.tuple(user, user).map(([sender, target]) => kicks(sender, target)),
  fc.tuple(user, user).map(([sender, target]) => invites(sender, target)),
  user.map((sender) => joins(sender)),
  user.map((sender) => leaves(sender)),
  user.map((sender) => topic(sender)),
);

interface Step {
  readonly sketch: Sketch;
  readonly at: number;
  /** How far back the events are that this one follows. */
  readonly back: readonly number[];
}

const step: fc.Arbitrary<Step> = fc.record({
  sketch,
  at: fc.integer({ min: 0, max: 12 }),
  back: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
});

/** A room of the version with forks and merges of all kinds, in which nobody sees the whole. */
export function randomRoom(version: string, maxLength = 14): fc.Arbitrary<Room> {
  return fc.array(step, { minLength: 3, maxLength }).map((steps) => {
    const names = steps.map((_step, index) => `E${index}`);
    const sketches = Object.fromEntries(steps.map(({ sketch: each, at }, index) => [names[index]!, { ...each, at }]));
    const edges = steps.flatMap(({ back }, index) =>
      back.map((distance) => `${names[index - distance] ?? 'START'} > ${names[index]}`),
    );
    return new Room(roomVersionRules(version)!, sketches, edges);
  });
}

/** A room and the states after some of its events. */
export function roomAndStates(version: string): fc.Arbitrary<[Room, StateMap<string>[]]> {
  return randomRoom(version).chain((room) => {
    const names = fc.shuffledSubarray(room.names, { minLength: 2, maxLength: 4 });
    return fc.tuple(
      fc.constant(room),
      names.map((chosen) => chosen.map((name) => room.stateAfter(name))),
    );
  });
}
