/** How one kind of message is written and read; what ts-proto generates for every message. */
export interface MessageCodec {
  encode(message: never): { finish(): Uint8Array };
  decode(input: Uint8Array): unknown;
}

export interface MethodDefinition {
  readonly name: string;
  readonly requestType: MessageCodec;
  readonly requestStream: boolean;
  readonly responseType: MessageCodec;
  readonly responseStream: boolean;
  readonly options: { readonly idempotencyLevel?: string };
}

/** A service as ts-proto's generic definitions describe it. Keys of `methods` are the names in the interface. */
export interface ServiceDefinition {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, MethodDefinition>>;
}

/** One method of a service, ready to be called or served. */
export interface Method {
  readonly service: string;
  readonly name: string;
  /** The name in the TypeScript interface. */
  readonly key: string;
  readonly path: string;
  /** Whether doing it twice is the same as doing it once, as the contract promises. */
  readonly idempotent: boolean;
  encodeRequest(request: unknown): Buffer;
  decodeRequest(bytes: Buffer): unknown;
  encodeResponse(response: unknown): Buffer;
  decodeResponse(bytes: Buffer): unknown;
}

/** @throws Error for a streaming method: every contract of ours is a question with one answer */
export function methodsOf(definition: ServiceDefinition): Method[] {
  return Object.entries(definition.methods).map(([key, method]) => {
    if (method.requestStream || method.responseStream) {
      throw new Error(`${definition.fullName}.${method.name} streams, which this transport does not carry`);
    }
    const { idempotencyLevel } = method.options;
    return {
      service: definition.fullName,
      name: method.name,
      key,
      path: `/${definition.fullName}/${method.name}`,
      idempotent: idempotencyLevel === 'NO_SIDE_EFFECTS' || idempotencyLevel === 'IDEMPOTENT',
      encodeRequest: encoder(method.requestType),
      decodeRequest: decoder(method.requestType),
      encodeResponse: encoder(method.responseType),
      decodeResponse: decoder(method.responseType),
    };
  });
}

function encoder(codec: MessageCodec): (message: unknown) => Buffer {
  return (message) => {
    const bytes = codec.encode(message as never).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  };
}

function decoder(codec: MessageCodec): (bytes: Buffer) => unknown {
  return (bytes) => codec.decode(bytes);
}
