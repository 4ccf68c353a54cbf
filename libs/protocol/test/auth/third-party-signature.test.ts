import {
  type AuthOptions,
  checkAuth,
  encodeBase64,
  encodeBase64Url,
  type JsonObject,
  ready,
  roomVersionRules,
  type SigningKey,
  signingKeyFromSeed,
  signJson,
} from '../../src/index.js';
import { event, MOD, member, ROOM, STRANGER, sets, stateOf } from './room-builder.js';

const RULES = roomVersionRules('11')!;

function allowed(signed: JsonObject, invitation: JsonObject, options: AuthOptions = {}): boolean {
  const answer = event(member(STRANGER, 'invite', MOD, { third_party_invite: { signed } }), RULES);
  const state = stateOf([...ROOM, sets(MOD, 'm.room.third_party_invite', 'token', invitation)], RULES);
  return checkAuth(answer, state, RULES, options).allowed;
}

describe('the signature of a third-party invite', () => {
  let key: SigningKey;
  let signed: JsonObject;

  beforeAll(async () => {
    await ready();
    key = signingKeyFromSeed('0', new Uint8Array(32).fill(7));
    signed = { ...signJson({ mxid: STRANGER, token: 'token' }, 'id.example', key) };
  });

  it('is accepted when it was made with the public key', () => {
    expect(allowed(signed, { public_key: encodeBase64(key.publicKey) })).toBe(true);
  });

  it('is accepted when it was made with one of the public keys, in either alphabet', () => {
    const ephemeral = encodeBase64(new Uint8Array(32).fill(1));
    const keys = [
      { public_key: 'not base64!' },
      { public_key: ephemeral },
      { public_key: encodeBase64Url(key.publicKey) },
    ];
    expect(allowed(signed, { public_keys: keys })).toBe(true);
  });

  it('is found among those of other entities and keys', () => {
    const others = { 'other.example': { 'ed25519:0': 'AAAA' }, 'odd.example': 'text' };
    const own = { 'ed25519:1': 'AAAA', ...(signed.signatures as { 'id.example': JsonObject })['id.example'] };
    const among = { ...signed, signatures: { ...others, 'id.example': own } };
    expect(allowed(among, { public_key: encodeBase64(key.publicKey) })).toBe(true);
  });

  it('is refused when it was made with another key', () => {
    const other = signingKeyFromSeed('0', new Uint8Array(32).fill(8));
    expect(allowed(signed, { public_key: encodeBase64(other.publicKey) })).toBe(false);
  });

  it('is refused when something else was signed', () => {
    expect(allowed({ ...signed, extra: true }, { public_key: encodeBase64(key.publicKey) })).toBe(false);
  });

  it.each([
    ['no signatures', { signatures: {} }],
    ['signatures that are null', { signatures: null }],
    ['an entity without signatures', { signatures: { 'id.example': {} } }],
    ['an entity with text', { signatures: { 'id.example': 'text' } }],
    ['a signature that is no base64', { signatures: { 'id.example': { 'ed25519:0': '!' } } }],
    ['a signature that is no text', { signatures: { 'id.example': { 'ed25519:0': 1 } } }],
  ])('is refused with %s', (_title, changes) => {
    expect(allowed({ ...signed, ...changes }, { public_key: encodeBase64(key.publicKey) })).toBe(false);
  });

  it('is looked for with the public keys that the invitation has, and with nothing else', () => {
    const tried: string[] = [];
    const verifySignature = (_signed: JsonObject, publicKey: string) => tried.push(publicKey) === 0;
    expect(allowed(signed, { public_keys: [{ public_key: 'one' }, {}, 1] }, { verifySignature })).toBe(false);
    expect(allowed(signed, { public_key: 'two', public_keys: {} }, { verifySignature })).toBe(false);
    expect(tried).toEqual(['one', 'two']);
  });

  it.each(['', 'AAAA', '!', 'á'])('is refused with the public key %j', (publicKey) => {
    expect(allowed(signed, { public_key: publicKey })).toBe(false);
  });

  it('is looked for with so many keys, and among so many signatures, as somebody may have', () => {
    const tried = new Set<string>();
    const verifySignature = (_signed: JsonObject, publicKey: string) => {
      tried.add(publicKey);
      return false;
    };
    const public_keys = Array.from({ length: 1_000 }, (_, n) => ({ public_key: `key ${n}` }));
    expect(allowed(signed, { public_keys }, { verifySignature })).toBe(false);
    expect([...tried]).toEqual(public_keys.slice(0, 16).map(({ public_key }) => public_key));
    const [own] = Object.values((signed.signatures as { 'id.example': JsonObject })['id.example']);
    const after = (others: number) => {
      const signatures = Array.from({ length: others }, (_, n) => [`ed25519:${n}`, 'AAAA'] as const);
      return { ...signed, signatures: { 'id.example': Object.fromEntries([...signatures, ['ed25519:last', own!]]) } };
    };
    const ofKey = { public_key: encodeBase64(key.publicKey) };
    expect([allowed(after(15), ofKey), allowed(after(16), ofKey)]).toEqual([true, false]);
  });
});
