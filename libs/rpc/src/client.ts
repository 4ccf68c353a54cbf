import { Caller, type RpcClientOptions } from './caller.js';
import { methodsOf, type ServiceDefinition } from './definition.js';

/**
 * A service somewhere else, behind the interface that its own process calls. A call is tried again, on another replica
 * when there is one, if its contract says that doing it twice is harmless or if it cannot have begun.
 *
 * Methods throw MatrixError as the callee threw it, RpcUnavailableError when nobody could be reached (RpcDeadlineError
 * in time), RpcInternalError when the callee failed, RpcCancelledError when the surrounding call was given up.
 */
export function createRpcClient<T extends object>(
  definition: ServiceDefinition,
  options: RpcClientOptions,
): T & { close(): Promise<void> } {
  const caller = new Caller(options);
  const client: Record<string, unknown> = { close: () => caller.close() };
  for (const method of methodsOf(definition)) {
    client[method.key] = (request: Record<string, unknown>) => caller.call(method, request);
  }
  return client as T & { close(): Promise<void> };
}
