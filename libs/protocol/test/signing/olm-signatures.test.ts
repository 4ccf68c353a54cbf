import { decodeBase64, type JsonObject, ready, verifyJsonSignature } from '../../src/index.js';

beforeAll(ready);

const USER = '@alice:example.org';
const KEY_ID = 'ed25519:DEVICE';
const PUBLIC_KEY = '0wFOT2OYkxeYs/uaJxH+W/57HoSciahHoFy8Rd9qsJ8';

function signed(object: JsonObject, signature: string): JsonObject {
  return { ...object, signatures: { [USER]: { [KEY_ID]: signature } } };
}

/** What a device uploaded whose Olm account is that of matrix-sdk-crypto 18.9 (vodozemac). */
const DEVICE_KEYS = signed(
  {
    algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
    device_id: 'DEVICE',
    keys: { 'curve25519:DEVICE': 'tfI7AOtGdxHTIirHDHeFDEHGqoj+S9/X4y2+Jh+zVGM', [KEY_ID]: PUBLIC_KEY },
    user_id: USER,
  },
  'iGxaKba+nYdYBedmx8ZOo9fhAMdVxWdcflQk154iDQbVxJcdGtKtZDDIDi6rSjj/39LSDazuKWOkhz232rwgBA',
);
const ONE_TIME_KEY = signed(
  { key: 'kEsr7ZD2GW1KbA7JlnQ2ObrkxCf//7olQrSeOVW9+3A' },
  'vA4XJreTxrE/Tu4KI0o4wQLaYTWgEPb8Fgkz1aYiCSVswCLp4DPKhhUy3LJ9CJw5jS2RvY3uhlF06Kb1TSeKDQ',
);

describe.each([
  ['device keys', DEVICE_KEYS],
  ['a one-time key', ONE_TIME_KEY],
])('the signature of an Olm account on %s', (_title, object) => {
  const verify = (value: JsonObject) => verifyJsonSignature(value, USER, KEY_ID, decodeBase64(PUBLIC_KEY));

  it('holds', () => {
    expect(verify(object)).toBe(true);
  });

  it('holds whatever a server adds to unsigned', () => {
    expect(verify({ ...object, unsigned: { device_display_name: 'Phone' } })).toBe(true);
  });

  it('does not hold for anything else', () => {
    expect(verify({ ...object, user_id: '@mallory:example.org' })).toBe(false);
  });
});
