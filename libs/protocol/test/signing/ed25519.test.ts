import { decodeBase64, generateSigningKey, ready, SigningKeyError, signingKeyFromSeed } from '../../src/index.js';
import { signBytes, verifyBytes } from '../../src/signing/json-signature.js';

beforeAll(ready);

const hex = (digits: string) => new Uint8Array(Buffer.from(digits, 'hex'));

describe('Ed25519 as in RFC 8032, section 7.1', () => {
  it.each([
    [
      'TEST 1',
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'TEST 2',
      '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
      '72',
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    ],
    [
      'TEST 3',
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('%s', (_title, seed, publicKey, message, signature) => {
    const key = signingKeyFromSeed('1', hex(seed));

    expect(Buffer.from(key.publicKey).toString('hex')).toBe(publicKey);
    expect(Buffer.from(decodeBase64(signBytes(hex(message), key))).toString('hex')).toBe(signature);
    expect(verifyBytes(hex(message), hex(signature), key.publicKey)).toBe(true);
    expect(verifyBytes(hex(`${message}00`), hex(signature), key.publicKey)).toBe(false);
  });
});

describe('a signing key', () => {
  it('is new every time', () => {
    const [one, other] = [generateSigningKey('a'), generateSigningKey('a')];

    expect(one.keyId).toBe('ed25519:a');
    expect(one.publicKey).toHaveLength(32);
    expect(one.publicKey).not.toEqual(other.publicKey);
  });

  it.each(['', 'a b', 'a:b', 'a-b', 'é'])('refuses the version %j', (version) => {
    expect(() => generateSigningKey(version)).toThrow(SigningKeyError);
  });

  it.each([0, 31, 33, 64])('refuses a seed of %i bytes', (length) => {
    expect(() => signingKeyFromSeed('a', new Uint8Array(length))).toThrow(SigningKeyError);
  });
});

describe('a signature of the wrong shape', () => {
  it.each([
    [0, 32],
    [63, 32],
    [65, 32],
    [64, 0],
    [64, 31],
    [64, 33],
  ])('is not valid: %i bytes, with a key of %i', (signatureLength, keyLength) => {
    expect(verifyBytes(new Uint8Array(3), new Uint8Array(signatureLength), new Uint8Array(keyLength))).toBe(false);
  });
});
