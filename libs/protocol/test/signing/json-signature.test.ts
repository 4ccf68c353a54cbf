import {
  CanonicalJsonError,
  generateSigningKey,
  type JsonObject,
  parseJson,
  ready,
  type SigningKey,
  signingKeyIds,
  signJson,
  verifyJsonSignature,
} from '../../src/index.js';

let key: SigningKey;
let other: SigningKey;

beforeAll(async () => {
  await ready();
  key = generateSigningKey('one');
  other = generateSigningKey('two');
});

const OBJECT = { name: 'example.org', list: [1, 2], unsigned: { age: 1 } };

describe('signJson', () => {
  it('keeps the signatures of others and those with other keys', () => {
    const signed = signJson(signJson(signJson(OBJECT, 'a.org', key), 'a.org', other), 'b.org', key);

    expect(signingKeyIds(signed, 'a.org')).toEqual(['ed25519:one', 'ed25519:two']);
    expect(signingKeyIds(signed, 'b.org')).toEqual(['ed25519:one']);
    expect(verifyJsonSignature(signed, 'a.org', key.keyId, key.publicKey)).toBe(true);
    expect(verifyJsonSignature(signed, 'a.org', other.keyId, other.publicKey)).toBe(true);
    expect(verifyJsonSignature(signed, 'b.org', key.keyId, key.publicKey)).toBe(true);
  });

  it('changes neither the object nor its unsigned part', () => {
    const before = structuredClone(OBJECT);

    expect(signJson(OBJECT, 'a.org', key).unsigned).toEqual(before.unsigned);
    expect(OBJECT).toEqual(before);
  });

  it.each(['__proto__', 'constructor', 'toString'])('signs for an entity of the name %s', (entity) => {
    const signed = signJson(OBJECT, entity, key);

    expect(verifyJsonSignature(signed, entity, key.keyId, key.publicKey)).toBe(true);
    expect(Object.keys(signed.signatures)).toEqual([entity]);
  });

  it('replaces signatures of a shape that is none', () => {
    const signed = signJson({ ...OBJECT, signatures: ['x'] } as JsonObject, 'a.org', key);

    expect(Object.keys(signed.signatures)).toEqual(['a.org']);
  });

  it('refuses floats unless tolerant', () => {
    const old = parseJson('{"level":1.0}') as JsonObject;

    expect(() => signJson(old, 'a.org', key)).toThrow(CanonicalJsonError);
    const signed = signJson(old, 'a.org', key, { strict: false });
    expect(verifyJsonSignature(signed, 'a.org', key.keyId, key.publicKey, { strict: false })).toBe(true);
    expect(verifyJsonSignature({ ...signed, level: 1 }, 'a.org', key.keyId, key.publicKey, { strict: false })).toBe(
      false,
    );
    expect(verifyJsonSignature(signed, 'a.org', key.keyId, key.publicKey)).toBe(false);
  });
});

describe('verifyJsonSignature', () => {
  const verify = (object: object) => verifyJsonSignature(object, 'a.org', key.keyId, key.publicKey);

  it('does not cover unsigned and other signatures', () => {
    const signed = signJson(OBJECT, 'a.org', key);

    expect(verify({ ...signed, unsigned: { anything: true } })).toBe(true);
    expect(verify({ ...signed, signatures: { ...signed.signatures, 'b.org': 5 } })).toBe(true);
  });

  it('covers everything else', () => {
    const signed = signJson(OBJECT, 'a.org', key);

    expect(verify({ ...signed, name: 'example.com' })).toBe(false);
    expect(verify({ ...signed, more: 1 })).toBe(false);
    expect(verify({ ...signed, list: [2, 1] })).toBe(false);
  });

  it('is false for another entity, key id or key', () => {
    const signed = signJson(OBJECT, 'a.org', key);

    expect(verifyJsonSignature(signed, 'b.org', key.keyId, key.publicKey)).toBe(false);
    expect(verifyJsonSignature(signed, 'a.org', other.keyId, key.publicKey)).toBe(false);
    expect(verifyJsonSignature(signed, 'a.org', key.keyId, other.publicKey)).toBe(false);
    expect(verifyJsonSignature(signed, 'a.org', key.keyId, new Uint8Array(5))).toBe(false);
  });

  it('does not understand other algorithms, whatever they say', () => {
    const { signatures } = signJson(OBJECT, 'a.org', key);
    const renamed = { ...OBJECT, signatures: { 'a.org': { 'rsa:one': signatures['a.org']?.[key.keyId] } } };

    expect(verifyJsonSignature(renamed, 'a.org', 'rsa:one', key.publicKey)).toBe(false);
    expect(signingKeyIds(renamed, 'a.org')).toEqual([]);
  });

  it.each([
    ['no signatures', {}],
    ['signatures of another shape', { signatures: [] }],
    ['an entity of another shape', { signatures: { 'a.org': 'x' } }],
    ['a signature that is no string', { signatures: { 'a.org': { 'ed25519:one': 5 } } }],
    ['a signature that is not base64', { signatures: { 'a.org': { 'ed25519:one': '???' } } }],
    ['a signature too short', { signatures: { 'a.org': { 'ed25519:one': 'AAAA' } } }],
    ['null for signatures', { signatures: null }],
  ])('is false for %s', (_title, object) => {
    expect(verify(object)).toBe(false);
  });

  it('is false for what cannot be encoded', () => {
    expect(verify({ ...signJson(OBJECT, 'a.org', key), half: '\ud800' })).toBe(false);
  });

  it('finds nothing in the prototype of signatures', () => {
    expect(verifyJsonSignature({ signatures: {} }, 'constructor', 'ed25519:one', key.publicKey)).toBe(false);
    expect(signingKeyIds({ signatures: {} }, 'constructor')).toEqual([]);
  });
});
