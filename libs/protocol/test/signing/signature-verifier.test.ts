import {
  createWorkerPoolVerifier,
  decodeBase64,
  generateSigningKey,
  InThreadVerifier,
  ready,
  type SignatureCheck,
  type SignatureVerifier,
} from '../../src/index.js';
import { signBytes } from '../../src/signing/json-signature.js';

beforeAll(ready);

/** Checks of which every third has another message, every fifth a signature and every seventh a key of the wrong length. */
function makeChecks(count: number): { checks: SignatureCheck[]; expected: boolean[] } {
  const key = generateSigningKey('a');
  const checks = Array.from({ length: count }, (_, index): SignatureCheck => {
    const message = Buffer.from(`message ${index}`);
    const signature = decodeBase64(signBytes(message, key));
    return {
      message: index % 3 === 2 ? Buffer.from('another') : message,
      signature: index % 5 === 4 ? signature.subarray(1) : signature,
      publicKey: index % 7 === 6 ? new Uint8Array(3) : key.publicKey,
    };
  });
  const expected = checks.map((_, index) => index % 3 !== 2 && index % 5 !== 4 && index % 7 !== 6);
  return { checks, expected };
}

describe.each<[string, () => Promise<SignatureVerifier>]>([
  ['in this thread', async () => new InThreadVerifier()],
  ['on one worker thread', () => createWorkerPoolVerifier({ threads: 1 })],
  ['on three worker threads', () => createWorkerPoolVerifier({ threads: 3 })],
])('verifying %s', (_where, create) => {
  let verifier: SignatureVerifier;

  beforeAll(async () => {
    verifier = await create();
  });

  afterAll(() => verifier.close());

  it.each([0, 1, 7, 8, 9, 60])('answers for each of %i signatures, in order', async (count) => {
    const { checks, expected } = makeChecks(count);

    expect(await verifier.verify(checks)).toEqual(expected);
  });

  it('keeps batches apart that overlap', async () => {
    const batches = [makeChecks(20), makeChecks(3), makeChecks(40)];

    const results = await Promise.all(batches.map(({ checks }) => verifier.verify(checks)));

    expect(results).toEqual(batches.map(({ expected }) => expected));
  });

  it('takes views on a larger buffer', async () => {
    const { checks } = makeChecks(1);
    const { message, signature, publicKey } = checks[0]!;
    const shared = Buffer.concat([message, signature, publicKey]);
    const views = {
      message: shared.subarray(0, message.length),
      signature: shared.subarray(message.length, message.length + 64),
      publicKey: shared.subarray(message.length + 64),
    };

    expect(await verifier.verify([views])).toEqual([true]);
    expect(shared).toHaveLength(message.length + 96);
  });
});

describe('a worker pool that was closed', () => {
  it('finishes what it had begun and refuses more', async () => {
    const verifier = await createWorkerPoolVerifier({ threads: 1 });
    const { checks, expected } = makeChecks(20);
    const begun = verifier.verify(checks);
    await verifier.close();

    expect(await begun).toEqual(expected);

    await expect(verifier.verify(makeChecks(1).checks)).rejects.toThrow('closed');
  });
});
