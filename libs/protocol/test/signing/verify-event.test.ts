import {
  generateSigningKey,
  hashAndSignEvent,
  InThreadVerifier,
  type JsonObject,
  type Pdu,
  type RoomVersionRules,
  ready,
  redactEvent,
  type SigningKey,
  signEvent,
  type VerifyKey,
  type VerifyKeyLookup,
  verifyEventSignature,
  verifyEventSignatures,
  verifyManyEventSignatures,
} from '../../src/index.js';
import { messagePdu } from '../support/pdus.js';
import { EVERY_VERSION, rulesOf, versions } from '../support/rules.js';

const TS = 1_700_000_000_000;
const SIGNED = { signed: true };

const keys = new Map<string, SigningKey>();

beforeAll(async () => {
  await ready();
  for (const name of ['sender.org', 'event.org', 'resident.org', 'policy.org']) keys.set(name, generateSigningKey('a'));
});

const keyOf = (server: string) => keys.get(server)!;

/** Every server's key is known and valid, but for what the test says. */
function lookup(exceptions: Record<string, VerifyKey | undefined> = {}): VerifyKeyLookup {
  return (server, keyId) => {
    if (server in exceptions) return exceptions[server];
    const key = keys.get(server);
    return key?.keyId === keyId ? { publicKey: key.publicKey, validUntilTs: TS } : undefined;
  };
}

function signedPdu(rules: RoomVersionRules, fields: JsonObject = {}): Pdu {
  const event_id = rules.eventIdFormat === 'in-event' ? '$1:sender.org' : undefined;
  const event = messagePdu(rules, { sender: '@alice:sender.org', event_id, ...fields });
  return hashAndSignEvent(event, rules, 'sender.org', keyOf('sender.org')).pdu;
}

describe('an event', () => {
  it.each(EVERY_VERSION)('that its sender signed is accepted whole and redacted in version %s', (_id, rules) => {
    const pdu = signedPdu(rules);

    expect(verifyEventSignatures(pdu, rules, lookup())).toEqual(SIGNED);
    expect(verifyEventSignatures(redactEvent(pdu, rules), rules, lookup())).toEqual(SIGNED);
  });

  it.each(EVERY_VERSION)('of which an essential field was changed is refused in version %s', (_id, rules) => {
    expect(verifyEventSignatures({ ...signedPdu(rules), depth: 13 }, rules, lookup())).toEqual({
      signed: false,
      reason: 'the signature of sender.org is not valid',
    });
  });

  it('that nobody signed is refused', () => {
    expect(verifyEventSignatures({ ...signedPdu(rulesOf('11')), signatures: {} }, rulesOf('11'), lookup())).toEqual({
      signed: false,
      reason: 'not signed by sender.org',
    });
  });

  it('with a signature that is not base64 is refused', () => {
    const pdu = { ...signedPdu(rulesOf('11')), signatures: { 'sender.org': { 'ed25519:a': '???' } } };

    expect(verifyEventSignatures(pdu, rulesOf('11'), lookup())).toMatchObject({ signed: false });
  });

  it.each(versions(1, 2))('needs the signature of the server in its id in version $id', (rules) => {
    const pdu = signedPdu(rules, { event_id: '$1:event.org' });
    const reason = 'not signed by event.org';

    expect(verifyEventSignatures(pdu, rules, lookup())).toEqual({ signed: false, reason });
    expect(verifyEventSignatures(signEvent(pdu, rules, 'event.org', keyOf('event.org')), rules, lookup())).toEqual(
      SIGNED,
    );
  });

  it.each(versions(8, 12))('needs the signature of the server that let a member in, in version $id', (rules) => {
    const content = { membership: 'join', join_authorised_via_users_server: '@carol:resident.org' };
    const pdu = signedPdu(rules, { type: 'm.room.member', state_key: '@alice:sender.org', content });
    const reason = 'not signed by resident.org';

    expect(verifyEventSignatures(pdu, rules, lookup())).toEqual({ signed: false, reason });
    expect(
      verifyEventSignatures(signEvent(pdu, rules, 'resident.org', keyOf('resident.org')), rules, lookup()),
    ).toEqual(SIGNED);
  });

  it('whose signers cannot be told is refused', () => {
    const content = { membership: 'join', join_authorised_via_users_server: 5 };
    const pdu = signedPdu(rulesOf('11'), { type: 'm.room.member', state_key: '@alice:sender.org', content });

    expect(verifyEventSignatures(pdu, rulesOf('11'), lookup())).toMatchObject({ signed: false });
  });

  it('that has no canonical form is refused', () => {
    const pdu = { ...signedPdu(rulesOf('11')), depth: 0.5 };

    expect(verifyEventSignatures(pdu, rulesOf('11'), lookup())).toMatchObject({ signed: false });
  });

  it('of a third-party invite needs no signature from version 3 on', () => {
    const content = { membership: 'invite', third_party_invite: { signed: {} } };
    const invite = messagePdu(rulesOf('11'), {
      type: 'm.room.member',
      state_key: '@bob:other.org',
      content,
      signatures: {},
    });

    expect(verifyEventSignatures(invite, rulesOf('11'), lookup())).toEqual(SIGNED);
  });
});

describe('a key', () => {
  const rules = rulesOf('11');
  const UNKNOWN = { signed: false, reason: 'signed with no key known to be valid by sender.org', isKeyUnknown: true };

  it('that is unknown is skipped', () => {
    const exceptions = { 'sender.org': undefined };

    expect(verifyEventSignatures(signedPdu(rules), rules, lookup(exceptions))).toEqual(UNKNOWN);
  });

  it.each(versions(5, 12))('that was valid no longer is skipped in version $id', (version) => {
    const exceptions = { 'sender.org': { publicKey: keyOf('sender.org').publicKey, validUntilTs: TS - 1 } };

    expect(verifyEventSignatures(signedPdu(version), version, lookup(exceptions))).toEqual(UNKNOWN);
  });

  it.each(versions(1, 4))('counts after its valid_until_ts in version $id', (version) => {
    const exceptions = { 'sender.org': { publicKey: keyOf('sender.org').publicKey, validUntilTs: TS - 1 } };

    expect(verifyEventSignatures(signedPdu(version), version, lookup(exceptions))).toEqual(SIGNED);
  });

  it.each(EVERY_VERSION)('that had expired is skipped in version %s', (_id, version) => {
    const exceptions = { 'sender.org': { publicKey: keyOf('sender.org').publicKey, expiredTs: TS - 1 } };

    expect(verifyEventSignatures(signedPdu(version), version, lookup(exceptions))).toEqual(UNKNOWN);
  });

  it('that is skipped does no harm beside one that is valid', () => {
    const twice = signEvent(signedPdu(rules), rules, 'sender.org', generateSigningKey('unknown'));

    expect(verifyEventSignatures(twice, rules, lookup())).toEqual(SIGNED);
  });

  it('of another algorithm is skipped', () => {
    const pdu = signedPdu(rules);
    const signatures = { 'sender.org': { ...pdu.signatures['sender.org'], 'rsa:1': 'AAAA' } };

    expect(verifyEventSignatures({ ...pdu, signatures }, rules, lookup())).toEqual(SIGNED);
  });

  it('with a bad signature spoils a good one', () => {
    const second = generateSigningKey('second');
    const pdu = signedPdu(rules);
    const good = pdu.signatures['sender.org']!;
    const signatures = { 'sender.org': { ...good, [second.keyId]: good['ed25519:a']! } };
    const both: VerifyKeyLookup = (_server, keyId) => ({
      publicKey: keyId === second.keyId ? second.publicKey : keyOf('sender.org').publicKey,
      validUntilTs: TS,
    });

    expect(verifyEventSignatures({ ...pdu, signatures }, rules, both)).toMatchObject({ signed: false });
  });
});

describe('many events at once', () => {
  it('get each their own verdict, in order', async () => {
    const rules = rulesOf('2');
    const twoSigners = signEvent(
      signedPdu(rules, { event_id: '$1:event.org' }),
      rules,
      'event.org',
      keyOf('event.org'),
    );
    const events = [
      { pdu: signedPdu(rulesOf('11')), rules: rulesOf('11') },
      { pdu: { ...signedPdu(rulesOf('11')), depth: 13 }, rules: rulesOf('11') },
      { pdu: twoSigners, rules },
      { pdu: { ...signedPdu(rulesOf('11')), signatures: {} }, rules: rulesOf('11') },
      { pdu: { ...twoSigners, depth: 13 }, rules },
      { pdu: signedPdu(rulesOf('1')), rules: rulesOf('1') },
    ];

    const verdicts = await verifyManyEventSignatures(events, lookup(), new InThreadVerifier());

    expect(verdicts).toEqual(events.map((event) => verifyEventSignatures(event.pdu, event.rules, lookup())));
    expect(verdicts.map((verdict) => verdict.signed)).toEqual([true, false, true, false, false, true]);
  });

  it('are none when none are asked for', async () => {
    expect(await verifyManyEventSignatures([], lookup(), new InThreadVerifier())).toEqual([]);
  });
});

describe('a policy server', () => {
  const rules = rulesOf('12');
  const policyKey = () => ({ ...keyOf('policy.org'), keyId: 'ed25519:policy_server' });
  const verify = (pdu: Pdu) =>
    verifyEventSignature(pdu, rules, 'policy.org', 'ed25519:policy_server', keyOf('policy.org').publicKey);

  it('signs beside the sender, and is verified with the key of the room', () => {
    const pdu = signEvent(signedPdu(rules), rules, 'policy.org', policyKey());

    expect(verify(pdu)).toBe(true);
    expect(verify(redactEvent(pdu, rules))).toBe(true);
    expect(verify({ ...pdu, depth: 13 })).toBe(false);
    expect(verifyEventSignatures(pdu, rules, lookup())).toEqual(SIGNED);
  });

  it('did not sign, or not legibly', () => {
    const pdu = signedPdu(rules);

    expect(verify(pdu)).toBe(false);
    expect(verify({ ...pdu, signatures: { 'policy.org': { 'ed25519:policy_server': '?' } } })).toBe(false);
  });
});
