import { type Answer, Answers, type Call, Calls, type Failure } from '@ganglion/contracts/rpc';
import type { StatusObject } from '@grpc/grpc-js';
import { MAX_MESSAGE_BYTES } from '../limits.js';
import { failureMetadata, failureParts } from '../wire-errors.js';

/** Where bundles travel. */
export const PATH = '/ganglion.rpc.v1.Bundles/Carry';

/** A larger request has a stream of its own, so that it does not hold up others. */
export const MAX_BUNDLED_BYTES = 256 * 1024;

/** Receivers refuse a message beyond MAX_MESSAGE_BYTES, and with it all that it carries: no bundle comes near that. */
const BUNDLE_BYTES = 4 * 1024 * 1024;
/** What is around the bytes of a call or an answer. */
const AROUND_BYTES = 1_024;

/** What one turn has gathered, in as many messages as it takes; what is large travels alone. */
export function* inBundles<T>(parts: readonly T[], bytesOf: (part: T) => number): Iterable<readonly T[]> {
  let [first, bytes] = [0, 0];
  for (const [index, part] of parts.entries()) {
    const size = bytesOf(part) + AROUND_BYTES;
    if (index > first && bytes + size > BUNDLE_BYTES) {
      yield parts.slice(first, index);
      [first, bytes] = [index, 0];
    }
    bytes += size;
  }
  yield parts.slice(first);
}

/** Whether a receiver takes an answer of so many bytes. */
export function fitsMessage(bytes: number): boolean {
  return bytes + AROUND_BYTES <= MAX_MESSAGE_BYTES;
}

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

function wire<T>(codec: Codec<T>) {
  return {
    write(message: T): Buffer {
      const bytes = codec.encode(message).finish();
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    read: (bytes: Buffer): T => codec.decode(bytes),
  };
}

export const callsOnWire = wire<Calls>(Calls);
export const answersOnWire = wire<Answers>(Answers);
export type { Answer, Answers, Call, Calls };

/** What a call failed with, as it is told in an answer. */
export function failureOf({ code, details, metadata }: Partial<StatusObject>): Failure {
  return { code: code ?? 0, details: details ?? '', ...failureParts(metadata) };
}

/** The same as gRPC would tell it to whom it concerns. */
export function statusOf({ code, details, ...parts }: Failure): StatusObject {
  return { code, details, metadata: failureMetadata(parts) };
}
