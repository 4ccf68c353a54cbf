import { injectContext, tracingEnabled } from '@ganglion/telemetry';
import { type Channel, Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { MAX_BUNDLED_BYTES } from './bundle/wire.js';
import type { Method } from './definition.js';
import type { Endpoint } from './endpoint.js';

export type Outcome = { readonly response: unknown } | { readonly failed: StatusObject };

/** One call to one replica: with others where that can be, or alone. Never throws. */
export async function attempt(
  { channel, bundler }: Endpoint,
  method: Method,
  request: Buffer,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  if (bundler.isUnderstood && request.length <= MAX_BUNDLED_BYTES) {
    const trace = tracingEnabled() ? injectContext({}) : {};
    const outcome = await bundler.send({ path: method.path, request, trace }, deadline, signal);
    if (outcome !== undefined) return 'response' in outcome ? decoded(method, outcome.response) : outcome;
  }
  return attemptAlone(channel, method, request, deadline, signal);
}

/**
 * Made on the channel itself: grpc-js' client would add interceptors, events and a stack trace to every call, and none of
 * them is used.
 */
function attemptAlone(
  channel: Channel,
  method: Method,
  request: Buffer,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const call = open(channel, method, deadline);
    if (!call) return resolve(failed(status.UNAVAILABLE, 'No connection established: the channel is closed'));
    let message: Buffer | undefined;
    const end = (outcome: Outcome) => {
      signal?.removeEventListener('abort', cancel);
      resolve(outcome);
    };
    const cancel = () => call.cancelWithStatus(status.CANCELLED, 'the caller gave up');
    call.start(callMetadata(), {
      onReceiveMetadata: () => {},
      onReceiveMessage: (bytes: Buffer) => {
        message = bytes;
      },
      onReceiveStatus: (result) => end(result.code === status.OK ? decoded(method, message) : { failed: result }),
    });
    signal?.addEventListener('abort', cancel, { once: true });
    call.sendMessageWithContext({}, request);
    call.halfClose();
    call.startRead();
  });
}

/** A replica that has just left the name server's answer has no channel any more. */
function open(channel: Channel, method: Method, deadline: number) {
  try {
    return channel.createCall(method.path, deadline, null, null, null);
  } catch {
    return undefined;
  }
}

function decoded(method: Method, message: Buffer | undefined): Outcome {
  if (!message) return failed(status.INTERNAL, 'the callee answered nothing');
  try {
    return { response: method.decodeResponse(message) };
  } catch {
    return failed(status.INTERNAL, 'the answer cannot be read');
  }
}

function failed(code: status, details: string): Outcome {
  return { failed: { code, details, metadata: new Metadata() } };
}

function callMetadata(): Metadata {
  const metadata = new Metadata();
  if (!tracingEnabled()) return metadata;
  for (const [key, value] of Object.entries(injectContext({}))) metadata.set(key, value as string);
  return metadata;
}
