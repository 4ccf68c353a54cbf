import {
  encodeBase64,
  generateSigningKey,
  InvalidServerKeysError,
  type JsonObject,
  parseServerKeys,
  publishServerKeys,
  ready,
  type SigningKey,
  signJson,
} from '../../src/index.js';

const NOW = 1_700_000_000_000;
const DAY = 24 * 60 * 60 * 1000;

let key: SigningKey;
let second: SigningKey;
let old: SigningKey;

beforeAll(async () => {
  await ready();
  key = generateSigningKey('new');
  second = generateSigningKey('second');
  old = generateSigningKey('old');
});

function published(fields: JsonObject = {}): JsonObject {
  return {
    server_name: 'example.org',
    valid_until_ts: NOW + DAY,
    verify_keys: { [key.keyId]: { key: encodeBase64(key.publicKey) } },
    old_verify_keys: { [old.keyId]: { key: encodeBase64(old.publicKey), expired_ts: NOW - DAY } },
    ...fields,
  };
}

const parse = (answer: unknown) => parseServerKeys(answer, 'example.org', NOW);
const signed = (fields?: JsonObject) => signJson(published(fields), 'example.org', key);

it('a server publishes what others read', () => {
  const published = publishServerKeys('example.org', key, NOW + DAY);

  expect(published).toMatchObject({ server_name: 'example.org', valid_until_ts: NOW + DAY, old_verify_keys: {} });
  expect(parse(published)).toEqual(
    new Map([[key.keyId, { publicKey: Buffer.from(key.publicKey), validUntilTs: NOW + DAY }]]),
  );
});

describe('the keys that a server publishes', () => {
  it('are its current and its old ones', () => {
    const keys = parse(signed());

    expect([...keys.keys()].sort()).toEqual(['ed25519:new', 'ed25519:old']);
    expect(keys.get('ed25519:new')).toMatchObject({ validUntilTs: NOW + DAY });
    expect(keys.get('ed25519:old')).toMatchObject({ expiredTs: NOW - DAY });
    expect(new Uint8Array(keys.get('ed25519:new')!.publicKey)).toEqual(key.publicKey);
  });

  it('are relied on for no more than seven days from when they came', () => {
    expect(parse(signed({ valid_until_ts: NOW + 7 * DAY })).get('ed25519:new')?.validUntilTs).toBe(NOW + 7 * DAY);
    expect(parse(signed({ valid_until_ts: NOW + 7 * DAY + 1 })).get('ed25519:new')?.validUntilTs).toBe(NOW + 7 * DAY);
    expect(parse(signed({ valid_until_ts: Number.MAX_SAFE_INTEGER })).get('ed25519:new')?.validUntilTs).toBe(
      NOW + 7 * DAY,
    );
  });

  it('may be read from a notary, whose signature is one more', () => {
    expect(parse(signJson(signed(), 'notary.org', old)).size).toBe(2);
  });

  it('may be signed with one of several current keys', () => {
    const verify_keys = {
      [key.keyId]: { key: encodeBase64(key.publicKey) },
      [second.keyId]: { key: encodeBase64(second.publicKey) },
    };

    expect(parse(signed({ verify_keys })).size).toBe(3);
  });

  it('are current when they are listed as old too', () => {
    const old_verify_keys = { [key.keyId]: { key: encodeBase64(key.publicKey), expired_ts: 5 } };

    expect(parse(signed({ old_verify_keys })).get(key.keyId)?.expiredTs).toBeUndefined();
  });

  it('may lack old ones, and may have some of other algorithms', () => {
    const verify_keys = { [key.keyId]: { key: encodeBase64(key.publicKey) }, 'rsa:1': 'whatever' };

    expect([...parse(signed({ old_verify_keys: undefined, verify_keys })).keys()]).toEqual(['ed25519:new']);
  });
});

describe('an answer that cannot be believed', () => {
  it.each([null, 5, 'keys', []])('is no object: %p', (answer) => {
    expect(() => parse(answer)).toThrow(InvalidServerKeysError);
  });

  it.each<[string, JsonObject]>([
    ['speaks of another server', { server_name: 'other.org' }],
    ['has no end of validity', { valid_until_ts: undefined }],
    ['has an end of validity that is no integer', { valid_until_ts: '5' }],
    ['has keys of another shape', { verify_keys: [] }],
    ['has a key of another shape', { verify_keys: { 'ed25519:x': 'key' } }],
    ['has a key that is not base64', { verify_keys: { 'ed25519:x': { key: '?' } } }],
    ['has a key that is no string', { verify_keys: { 'ed25519:x': { key: 5 } } }],
    ['has an old key without its end', { old_verify_keys: { 'ed25519:x': { key: 'AAAA' } } }],
    ['has no keys at all', { verify_keys: {}, old_verify_keys: {} }],
  ])('%s', (_title, fields) => {
    expect(() => parse(signed(fields))).toThrow(InvalidServerKeysError);
  });

  it('is not signed, or by someone else, or with an old key only', () => {
    expect(() => parse(published())).toThrow('not signed');
    expect(() => parse(signJson(published(), 'other.org', key))).toThrow('not signed');
    expect(() => parse(signJson(published(), 'example.org', old))).toThrow('not signed');
    expect(() => parse(signJson(published(), 'example.org', second))).toThrow('not signed');
  });

  it('has an end of validity that is a fraction', () => {
    expect(() => parse({ ...signed(), valid_until_ts: 1.5 })).toThrow('no timestamp');
  });

  it('was changed after it was signed', () => {
    expect(() => parse({ ...signed(), valid_until_ts: NOW + 2 * DAY })).toThrow('not valid');
  });

  it('has a bad signature beside a good one', () => {
    const verify_keys = {
      [key.keyId]: { key: encodeBase64(key.publicKey) },
      [second.keyId]: { key: encodeBase64(second.publicKey) },
    };
    const good = signed({ verify_keys });
    const bad = { ...good.signatures['example.org'], [second.keyId]: good.signatures['example.org']![key.keyId]! };

    expect(() => parse({ ...good, signatures: { 'example.org': bad } })).toThrow('ed25519:second');
  });
});
