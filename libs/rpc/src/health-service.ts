import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';

const SERVING = 1;
const NOT_SERVING = 2;

/** The standard health service (grpc.health.v1), which orchestrators know how to ask. */
export function healthService(serving: () => boolean) {
  return {
    definition: {
      check: {
        path: '/grpc.health.v1.Health/Check',
        requestStream: false as const,
        responseStream: false as const,
        requestSerialize: (bytes: Buffer) => bytes,
        requestDeserialize: (bytes: Buffer) => bytes,
        // HealthCheckResponse { ServingStatus status = 1; }
        responseSerialize: (state: number) => Buffer.from([0x08, state]),
        responseDeserialize: (bytes: Buffer) => bytes[1] ?? 0,
      },
    },
    implementation: {
      check: (_call: ServerUnaryCall<Buffer, number>, answer: sendUnaryData<number>) =>
        answer(null, serving() ? SERVING : NOT_SERVING),
    },
  };
}
