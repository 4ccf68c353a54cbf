import fc from 'fast-check';
import { Base64Error, decodeBase64, encodeBase64, encodeBase64Url } from '../../src/index.js';

const BYTES = new Uint8Array([0xfb, 0xff, 0xbf, 0x00]);

describe('base64', () => {
  it('is unpadded, in either alphabet', () => {
    expect(encodeBase64(BYTES)).toBe('+/+/AA');
    expect(encodeBase64Url(BYTES)).toBe('-_-_AA');
  });

  it.each(['+/+/AA', '+/+/AA==', '-_-_AA', '-_-_AA==', '+/+/AB'])('reads %s', (text) => {
    expect(new Uint8Array(decodeBase64(text))).toEqual(BYTES);
  });

  it.each(['A', 'AAAAA', 'A=', 'A===', 'AA=', 'AA=A', '=', '====', 'AA===', '+/-_', 'AA AA', 'AA\n', 'é', 'AAA\0'])(
    'refuses %j',
    (text) => {
      expect(() => decodeBase64(text)).toThrow(Base64Error);
    },
  );

  it('encodes the part of a buffer that it is given', () => {
    expect(encodeBase64(Buffer.from('a foo b').subarray(2, 5))).toBe('Zm9v');
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(new Uint8Array(decodeBase64(encodeBase64(bytes)))).toEqual(bytes);
        expect(new Uint8Array(decodeBase64(encodeBase64Url(bytes)))).toEqual(bytes);
      }),
    );
  });
});
