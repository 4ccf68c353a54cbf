import {
  encodeBase64,
  generateSigningKey,
  hashAndSignEvent,
  isRecommended,
  type JsonValue,
  type Pdu,
  policyServerOf,
  ready,
  roomVersionRules,
  signEvent,
  withRecommendation,
} from '../../src/index.js';

beforeAll(() => ready());

const rules = roomVersionRules('11')!;
const server = () => {
  const key = { ...generateSigningKey('x'), keyId: 'ed25519:policy_server' };
  const content = { via: 'policy.example', public_keys: { ed25519: encodeBase64(key.publicKey) } };
  return { key, content, policy: policyServerOf(content)! };
};
const eventOf = (type: string, state_key?: string): Pdu => {
  const draft = {
    ...{ type, sender: '@a:one.example', room_id: '!r:one.example', content: { body: 'x' } },
    ...{ prev_events: [], auth_events: [], depth: 1, origin_server_ts: 1 },
    ...(state_key !== undefined && { state_key }),
  };
  return hashAndSignEvent(draft, rules, 'one.example', generateSigningKey('a')).pdu;
};

it('is named with its key', () => {
  const { content, policy, key } = server();
  expect(policy).toEqual({ serverName: 'policy.example', publicKey: key.publicKey });
  const others: unknown[] = [
    ...[undefined, {}, { ...content, via: 5 }, { ...content, via: 'a b' }, { ...content, public_keys: 'x' }],
    ...[
      { ...content, public_keys: {} },
      { ...content, public_keys: { ed25519: '!' } },
    ],
    { ...content, public_keys: { ed25519: 'AAAA' } },
  ];
  for (const other of others) expect(policyServerOf(other as never)).toBeUndefined();
});

it('recommends an event by its signature, which stands beside the others', () => {
  const { key, policy } = server();
  const pdu = eventOf('m.room.message');
  expect(isRecommended(pdu, rules, policy)).toBe(false);
  const { 'policy.example': signature } = signEvent(pdu, rules, 'policy.example', key).signatures;
  const signed = withRecommendation(pdu, rules, policy, { 'policy.example': { ...signature } })!;
  expect(isRecommended(signed, rules, policy)).toBe(true);
  expect(Object.keys(signed.signatures)).toEqual(['one.example', 'policy.example']);
});

it('recommends nothing by an answer that is no signature of the event', () => {
  const { key, policy } = server();
  const pdu = eventOf('m.room.message');
  const other = signEvent(eventOf('m.room.topic'), rules, 'policy.example', key).signatures['policy.example'];
  const answers: unknown[] = [null, {}, { 'policy.example': 5 }, { 'policy.example': { 'ed25519:other': 'AAAA' } }];
  for (const answer of [...answers, { 'policy.example': other }]) {
    expect(withRecommendation(pdu, rules, policy, answer as JsonValue)).toBeUndefined();
  }
});

it('is not asked about the event that names it', () => {
  const { policy } = server();
  expect(isRecommended(eventOf('m.room.policy', ''), rules, policy)).toBe(true);
  expect(isRecommended(eventOf('m.room.policy', 'x'), rules, policy)).toBe(false);
  expect(isRecommended(eventOf('m.room.policy'), rules, policy)).toBe(false);
});
