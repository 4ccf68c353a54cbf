import { injectContext, tracingEnabled } from '@ganglion/telemetry';
import { Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Method } from './definition.js';
import type { Endpoint } from './endpoint.js';

/** One call to one replica. @throws ServiceError as grpc-js reports it */
export function attempt(
  endpoint: Endpoint,
  method: Method,
  request: unknown,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const cancel = () => call.cancel();
    const call = endpoint.client.makeUnaryRequest(
      method.path,
      method.encodeRequest,
      method.decodeResponse,
      request,
      callMetadata(),
      { deadline },
      (error: ServiceError | null, response: unknown) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(error);
        else resolve(response);
      },
    );
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function callMetadata(): Metadata {
  const metadata = new Metadata();
  if (!tracingEnabled()) return metadata;
  for (const [key, value] of Object.entries(injectContext({}))) metadata.set(key, value as string);
  return metadata;
}
