import { isMatrixError } from '@ganglion/contracts';
import { isTemporary } from '@ganglion/database';
import { extractContext, type Logger, tracingEnabled, withSpan } from '@ganglion/telemetry';
import { type Metadata, type ServerUnaryCall, type ServiceError, type sendUnaryData, status } from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import { type CallScope, runInScope } from './call-scope.js';
import type { Method } from './definition.js';
import { RpcUnavailableError } from './errors.js';
import type { CallMetrics } from './metrics.js';
import { awayStatus, matrixErrorStatus, refusedStatus } from './wire-errors.js';

type Call = ServerUnaryCall<Buffer, Buffer>;

export interface HandlerContext {
  readonly metrics: CallMetrics;
  readonly logger: Logger | undefined;
  refusing(): boolean;
}

export type Served = { readonly response: Buffer } | { readonly failure: Partial<ServiceError> };

/** Serves a request of one method within its bounds. Never throws. */
export type Serve = (
  request: Buffer,
  scope: CallScope,
  trace: Readonly<Record<string, string>> | undefined,
) => Promise<Served>;

/** Serves one method with a function of the interface, however its calls come. */
export function server(method: Method, run: (request: unknown) => Promise<unknown>, context: HandlerContext): Serve {
  return async (request, scope, trace) => {
    const start = performance.now();
    try {
      const serve = () => runInScope(scope, () => run(method.decodeRequest(request)));
      const response = await traced(method, trace, serve, context);
      context.metrics.ended(method, start);
      return { response };
    } catch (error) {
      const failure = failureStatus(error);
      context.metrics.ended(method, start, status[failure.code as status]);
      return { failure };
    }
  };
}

/** Serves calls that come one by one. */
export function unaryHandler(serve: Serve, { refusing }: HandlerContext) {
  return async (call: Call, answer: sendUnaryData<Buffer>): Promise<void> => {
    if (refusing()) return answer(refusedStatus());
    const trace = tracingEnabled() ? textMetadata(call.metadata) : undefined;
    const served = await serve(call.request, scopeOf(call), trace);
    if ('response' in served) answer(null, served.response);
    else answer(served.failure);
  };
}

function traced(
  method: Method,
  trace: Readonly<Record<string, string>> | undefined,
  run: () => Promise<unknown>,
  { logger }: HandlerContext,
): Promise<Buffer> {
  const logged = async () => {
    try {
      return method.encodeResponse(await run());
    } catch (error) {
      // Logged here, inside of the span, so that the line carries the trace the caller knows.
      if (!isMatrixError(error)) logger?.error({ err: error, rpc: method.path }, 'call failed');
      throw error;
    }
  };
  if (!tracingEnabled()) return logged();
  const attributes = { 'rpc.system': 'grpc', 'rpc.service': method.service, 'rpc.method': method.name };
  return withSpan(`${method.service}/${method.name}`, attributes, logged, {
    kind: SpanKind.SERVER,
    parent: extractContext(trace ?? {}),
  });
}

function textMetadata(metadata: Metadata): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string') text[key] = value;
  }
  return text;
}

/** Nothing of what went wrong inside leaves the process, but whether trying again later makes sense. */
function failureStatus(error: unknown): Partial<ServiceError> {
  if (isMatrixError(error)) return matrixErrorStatus(error);
  if (error instanceof RpcUnavailableError || isTemporary(error)) return awayStatus();
  return { code: status.INTERNAL, details: 'internal error' };
}

function scopeOf(call: Call): CallScope {
  const deadline = call.getDeadline();
  let signal: AbortSignal | undefined;
  return {
    deadline: typeof deadline === 'number' ? deadline : deadline.getTime(),
    get signal() {
      signal ??= cancellation(call);
      return signal;
    },
  };
}

function cancellation(call: Call): AbortSignal {
  const controller = new AbortController();
  if (call.cancelled) controller.abort();
  else call.once('cancelled', () => controller.abort());
  return controller.signal;
}
