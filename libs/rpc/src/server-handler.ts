import { isMatrixError } from '@ganglion/contracts';
import { extractContext, type Logger, tracingEnabled, withSpan } from '@ganglion/telemetry';
import { type Metadata, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import { type CallScope, runInScope } from './call-scope.js';
import type { Method } from './definition.js';
import type { CallMetrics } from './metrics.js';
import { matrixErrorStatus, refusedStatus } from './wire-errors.js';

type Call = ServerUnaryCall<unknown, Buffer>;

export interface HandlerContext {
  readonly metrics: CallMetrics;
  readonly logger: Logger | undefined;
  refusing(): boolean;
}

/** Serves one method with a function of the interface. */
export function unaryHandler(method: Method, serve: (request: unknown) => Promise<unknown>, context: HandlerContext) {
  return async (call: Call, answer: sendUnaryData<Buffer>): Promise<void> => {
    if (context.refusing()) return answer(refusedStatus());
    const start = performance.now();
    try {
      const response = await traced(method, call, () => runInScope(scopeOf(call), () => serve(call.request)), context);
      context.metrics.ended(method, start);
      answer(null, response);
    } catch (error) {
      const failure = isMatrixError(error) ? matrixErrorStatus(error) : internalStatus();
      context.metrics.ended(method, start, status[failure.code as status]);
      answer(failure);
    }
  };
}

function traced(method: Method, call: Call, run: () => Promise<unknown>, { logger }: HandlerContext): Promise<Buffer> {
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
    parent: extractContext(textMetadata(call.metadata)),
  });
}

function textMetadata(metadata: Metadata): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string') text[key] = value;
  }
  return text;
}

/** Nothing of what went wrong inside leaves the process. */
function internalStatus() {
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
