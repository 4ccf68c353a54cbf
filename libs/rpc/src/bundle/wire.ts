import { type Answer, Answers, type Call, Calls, type Failure } from '@ganglion/contracts/rpc';
import type { StatusObject } from '@grpc/grpc-js';
import { failureMetadata, failureParts } from '../wire-errors.js';

/** Where bundles travel. */
export const PATH = '/ganglion.rpc.v1.Bundles/Carry';

/** A larger request has a stream of its own, so that it does not hold up others. */
export const MAX_BUNDLED_BYTES = 256 * 1024;

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
