/**
 * What every event costs: canonical JSON, hashes, signatures, parsing. Run it with `node bench/protocol.ts` after
 * `pnpm build`; it exits with an error when building, hashing and signing an event costs more than its target.
 */
import {
  clientEvent,
  createWorkerPoolVerifier,
  decodeBase64,
  type EventToVerify,
  encodeCanonicalJson,
  eventIdOf,
  examinePdu,
  generateSigningKey,
  hashAndSignEvent,
  hasValidContentHash,
  InThreadVerifier,
  type JsonObject,
  type JsonValue,
  parseJson,
  parsePdu,
  ROOM_VERSIONS,
  ready,
  redactEvent,
  type SignatureVerifier,
  signJson,
  type UnsignedEvent,
  verifyJsonSignature,
  verifyManyEventSignatures,
} from '@ganglion/protocol';

/** Building, hashing and signing an event, as a multiple of one Ed25519 signature. */
const TARGET_RATIO = 1.5;
const ROUNDS = 50;
const MILLISECONDS_A_ROUND = 10;

await ready();
const rules = ROOM_VERSIONS.at(-1)!;
const key = generateSigningKey('bench');
const HASH = '5jM4wQpv6lnBo7CLIghJuHdW-s2CMBJPUOGOC89ncos';

function message(bodyLength: number): UnsignedEvent {
  return {
    type: 'm.room.message',
    room_id: `!${HASH}`,
    sender: '@alice:example.org',
    content: {
      msgtype: 'm.text',
      body: 'Lorem ipsum dolor '.repeat(bodyLength / 18 + 1).slice(0, bodyLength),
      'm.mentions': {},
    },
    depth: 1234,
    origin_server_ts: 1_700_000_000_000,
    prev_events: [`$${HASH}`],
    auth_events: [`$${HASH}`, `$${HASH}`, `$${HASH}`],
  };
}

const member: UnsignedEvent = {
  ...message(0),
  type: 'm.room.member',
  state_key: '@alice:example.org',
  content: { membership: 'join', displayname: 'Alice', avatar_url: 'mxc://example.org/abcdef' },
};

const sign = (event: UnsignedEvent) => hashAndSignEvent(event, rules, 'example.org', key).pdu;

/** The least of many rounds, in microseconds a call: what else the machine does only ever adds. */
function measure(run: () => unknown): number {
  let calls = 1;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let call = 0; call < calls; call++) run();
    const elapsed = performance.now() - start;
    best = Math.min(best, elapsed / calls);
    calls = Math.max(1, Math.round((calls * MILLISECONDS_A_ROUND) / Math.max(elapsed, 0.01)));
  }
  return best * 1000;
}

function report(name: string, microseconds: number, remark = ''): void {
  console.log(`${name.padEnd(52)} ${microseconds.toFixed(2).padStart(9)} µs  ${remark}`);
}

const ONE_SIGNATURE = measure(() => signJson({}, 'example.org', key));
report('one Ed25519 signature (signJson of {})', ONE_SIGNATURE);

let worst = 0;
for (const [name, event] of [
  ['a member event', member],
  ['a message of 100 bytes', message(100)],
  ['a message of 1 KB', message(1000)],
  ['a message of 4 KB', message(4000)],
] as const) {
  const cost = measure(() => hashAndSignEvent(event, rules, 'example.org', key));
  worst = Math.max(worst, cost / ONE_SIGNATURE);
  report(`build, hash and sign ${name}`, cost, `${(cost / ONE_SIGNATURE).toFixed(2)} signatures`);
}

const pdu = sign(message(1000));
const json = JSON.stringify(pdu);
const value = JSON.parse(json) as JsonValue;
const manyJson = JSON.stringify(Array.from({ length: 1000 }, () => pdu));
const many = JSON.parse(manyJson) as JsonValue;
const roomEvent = { eventId: eventIdOf(pdu, rules), roomId: `!${HASH}`, pdu, rejected: false };

for (const [name, bytes, run] of [
  ['canonical JSON of a message of 1 KB', json.length, () => encodeCanonicalJson(value)],
  ['canonical JSON of a thousand of them', manyJson.length, () => encodeCanonicalJson(many)],
  ['JSON.stringify of one', json.length, () => JSON.stringify(value)],
  ['parseJson of one', json.length, () => parseJson(json)],
  ['JSON.parse of one', json.length, () => JSON.parse(json)],
  ['parsePdu', json.length, () => parsePdu(value, rules)],
  ['hasValidContentHash', json.length, () => hasValidContentHash(pdu, rules)],
] as const) {
  const cost = measure(run);
  report(name, cost, `${Math.round(bytes / cost)} MB/s`);
}
report(
  'examinePdu: all of the above, the id and the essential bytes',
  measure(() => examinePdu(value, rules)),
);
report(
  'eventIdOf',
  measure(() => eventIdOf(pdu, rules)),
);
report(
  'redactEvent',
  measure(() => redactEvent(pdu, rules)),
);
report(
  'clientEvent',
  measure(() => clientEvent(roomEvent, { rules, unsigned: { age: 5 } })),
);

const signed = signJson(value as JsonObject, 'example.org', key);
report(
  'verifyJsonSignature',
  measure(() => verifyJsonSignature(signed, 'example.org', key.keyId, key.publicKey)),
);
report(
  'decodeBase64 of a signature',
  measure(() => decodeBase64(signed.signatures['example.org']![key.keyId]!)),
);

const BATCH: EventToVerify[] = Array.from({ length: 1000 }, (_, depth) => ({
  pdu: sign({ ...message(500), depth }),
  rules,
}));
for (const [name, verifier] of [
  ['in this thread', new InThreadVerifier()],
  ['on two worker threads', await createWorkerPoolVerifier({ threads: 2 })],
] as const) {
  const cost = await measureBatch(verifier);
  report(`verify 1,000 events ${name}`, cost, `${Math.round(BATCH.length / (cost / 1e6))} events/s`);
  await verifier.close();
}

if (worst > TARGET_RATIO) {
  console.error(`An event costs ${worst.toFixed(2)} signatures, more than the target of ${TARGET_RATIO}`);
  process.exitCode = 1;
}

async function measureBatch(verifier: SignatureVerifier): Promise<number> {
  const lookup = () => ({ publicKey: key.publicKey, validUntilTs: Infinity });
  let best = Infinity;
  for (let round = 0; round < 4; round++) {
    const start = performance.now();
    const verdicts = await verifyManyEventSignatures(BATCH, lookup, verifier);
    best = Math.min(best, performance.now() - start);
    if (!verdicts.every((verdict) => verdict.signed)) throw new Error('An event that was signed did not verify');
  }
  return best * 1000;
}
