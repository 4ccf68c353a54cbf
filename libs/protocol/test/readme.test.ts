import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import * as protocol from '../src/index.js';
import {
  AuthGraph,
  eventIdOf,
  generateSigningKey,
  hashAndSignEvent,
  parsePdu,
  type RoomVersionRules,
  ready,
  redactEvent,
  roomVersionRules,
  type StateMap,
  stateTuple,
  type UnsignedEvent,
  verifyEventSignatures,
} from '../src/index.js';
import * as testing from '../src/testing/index.js';
import { NumberedAnswers } from './state/numbered-answers.js';
import { ALICE, BOB, bans, power, Room, topic } from './state/scenario.js';
import { messagePdu } from './support/pdus.js';
import { EVERY_VERSION } from './support/rules.js';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const AsyncFunction = (async () => {}).constructor as FunctionConstructor;

/** Runs the example under a heading of the README, as it stands there, and gives what it made. */
async function run<T>(heading: string, given: object, wanted: readonly (keyof T & string)[]): Promise<T> {
  const code = new RegExp(`\n## ${heading}\n.*?\n\`\`\`ts\n(.*?)\`\`\``, 's').exec(README)?.[1];
  if (code === undefined) throw new Error(`The README has no example under ${heading}`);
  const body = stripTypeScriptTypes(code).replace(
    /import \{(.*?)\} from '@ganglion\/(protocol|protocol\/testing)';/s,
    (_import, names: string, entry: string) => `const {${names.replace(/\btype \w+,?/g, '')}} = packages['${entry}'];`,
  );
  const packages = { protocol, 'protocol/testing': testing };
  const example = new AsyncFunction('packages', ...Object.keys(given), `${body}\nreturn { ${wanted.join(', ')} };`);
  return example(packages, ...Object.values(given));
}

beforeAll(ready);

it('makes an event', async () => {
  const { rules, key, eventId, pdu, roomId } = await run<{
    rules: RoomVersionRules;
    key: protocol.SigningKey;
    eventId: string;
    pdu: protocol.Pdu;
    roomId: string;
  }>('Making an event', {}, ['rules', 'key', 'eventId', 'pdu', 'roomId']);

  expect(parsePdu(pdu, rules)).toBe(pdu);
  expect(eventIdOf(pdu, rules)).toBe(eventId);
  expect(roomId).toBe(`!${eventId.slice(1)}`);
  const keys = () => ({ publicKey: key.publicKey, validUntilTs: Number.MAX_SAFE_INTEGER });
  expect(verifyEventSignatures(pdu, rules, keys)).toEqual({ signed: true });
});

describe.each(EVERY_VERSION)('takes an event of version %s from another server', (_version, rules) => {
  const key = () => generateSigningKey('1');
  const take = (text: string, { publicKey, keyId }: protocol.SigningKey) => {
    const knownKeys = new Map([[`example.org ${keyId}`, { publicKey, validUntilTs: Number.MAX_SAFE_INTEGER }]]);
    return run<{ pdu: protocol.Pdu; eventId: string }>(
      'Taking an event from another server',
      { text, rules, knownKeys },
      ['pdu', 'eventId'],
    );
  };
  const signed = (signingKey: protocol.SigningKey) =>
    hashAndSignEvent(messagePdu(rules) as UnsignedEvent, rules, 'example.org', signingKey);

  it('as it was made', async () => {
    const signingKey = key();
    const { eventId, pdu } = signed(signingKey);
    expect(await take(JSON.stringify(pdu), signingKey)).toEqual({ eventId, pdu });
  });

  it('redacted, when it is not as its sender made it', async () => {
    const signingKey = key();
    const { eventId, pdu } = signed(signingKey);
    const changed = { ...pdu, content: { body: 'something else' } };
    const taken = await take(JSON.stringify(changed), signingKey);
    expect(taken).toEqual({ eventId, pdu: redactEvent(pdu, rules) });
  });

  it('never, when it is not signed', async () => {
    await expect(take(JSON.stringify(signed(key()).pdu), key())).rejects.toThrow(/^dropped: /);
  });
});

describe('authorises an event and resolves the state', () => {
  const room = (version: string) =>
    new Room(
      roomVersionRules(version)!,
      { PA: power(ALICE, { [ALICE]: 100, [BOB]: 50 }), TB: topic(BOB), MB: bans(ALICE, BOB), TA: topic(ALICE) },
      ['START > PA > TB', 'PA > MB', 'PA > TA'],
    );

  async function received(version: string, name: string) {
    const inRoom = room(version);
    const { eventId, roomId, pdu } = inRoom.event(inRoom.id(name));
    const events = new Map(inRoom.names.map((each) => [inRoom.id(each), inRoom.event(inRoom.id(each))]));
    const forks = ['PA', 'MB'].map((each) => inRoom.stateAfter(each));
    const { decision, after } = await run<{ decision: protocol.AuthDecision; after: StateMap<string> }>(
      'Authorising an event and resolving a state',
      { events, forks, eventId, roomId, pdu, rules: inRoom.rules, console: { warn: () => {} } },
      ['decision', 'after'],
    );
    return { decision, topic: after.get(stateTuple('m.room.topic', '')) };
  }

  it.each(['1', '6', '11', '12'])('letting in what the rules of version %s allow', async (version) => {
    const id = room(version).id('TA');
    expect(await received(version, 'TA')).toEqual({ decision: { allowed: true }, topic: id });
  });

  it.each([
    ['1', '6'],
    ['6', '5'],
    ['11', '5'],
    ['12', '6'],
  ])('refusing in version %s, by rule %s, what only its auth events allow', async (version, rule) => {
    expect(await received(version, 'TB')).toEqual({
      decision: { allowed: false, rule, reason: `${BOB} is not in the room (membership ban)` },
      topic: undefined,
    });
  });
});

describe('resolves what is in conflict', () => {
  it.each(['1', '6', '11', '12'])('in version %s, by numbers', async (version) => {
    const events = { PA: power(ALICE, { [ALICE]: 100, [BOB]: 50 }), MB: bans(ALICE, BOB), TB: topic(BOB) };
    const room = new Room(roomVersionRules(version)!, events, ['START > PA > MB', 'PA > TB']);
    const forks = ['MB', 'TB'].map((name) => room.stateAfter(name));
    const store = new NumberedAnswers(new AuthGraph(room), forks);
    const { changes } = await run<protocol.Resolution<number>>(
      'Resolving what is in conflict',
      { store, conflicts: store.conflicts, rules: room.rules },
      ['changes'],
    );
    for (const [fork, each] of changes.entries()) {
      expect(store.changed(fork, each)).toEqual(room.resolve(...forks));
    }
  });
});

it('makes up a room', async () => {
  const checked: string[] = [];
  const check = (json: string, eventId: string) =>
    checked.push(eventIdOf(JSON.parse(json), roomVersionRules('12')!), eventId);
  const { room } = await run<{ room: testing.RandomRoom }>('Testing with it', { check }, ['room']);
  expect(checked).toEqual(room.events.flatMap(({ eventId }) => [eventId, eventId]));
});
