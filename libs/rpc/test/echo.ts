import type { MethodDefinition, ServiceDefinition } from '../src/index.js';

/** A contract as ts-proto would generate it, with JSON for protobuf. */
const json = {
  encode: (message: object) => ({ finish: () => new TextEncoder().encode(JSON.stringify(message)) }),
  decode: (input: Uint8Array) => JSON.parse(new TextDecoder().decode(input)),
};

function method(name: string, idempotencyLevel?: string): MethodDefinition {
  const options = idempotencyLevel ? { idempotencyLevel } : {};
  return { name, requestType: json, requestStream: false, responseType: json, responseStream: false, options };
}

export interface EchoRequest {
  readonly text: string;
  readonly roomId?: string;
  readonly ms?: number;
}

export interface EchoResponse {
  readonly text: string;
}

export interface Echo {
  /** Without side effects. */
  read(request: EchoRequest): Promise<EchoResponse>;
  /** Idempotent. */
  put(request: EchoRequest): Promise<EchoResponse>;
  /** To be done once. */
  post(request: EchoRequest): Promise<EchoResponse>;
}

export const EchoDefinition: ServiceDefinition = {
  name: 'Echo',
  fullName: 'ganglion.test.v1.Echo',
  methods: {
    read: method('Read', 'NO_SIDE_EFFECTS'),
    put: method('Put', 'IDEMPOTENT'),
    post: method('Post'),
  },
};

/** All three methods do the same. */
export function echo(serve: (request: EchoRequest) => Promise<EchoResponse>): Echo {
  return { read: serve, put: serve, post: serve };
}
