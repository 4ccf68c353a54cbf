import { isSpanContextValid, trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type LevelWithSilent, type Logger as PinoLogger } from 'pino';
import { isError, redact, redactText, redactUrl } from './redaction.js';

/** What everything in Ganglion logs with: pino, one JSON object a line. */
export type Logger = PinoLogger;

export type LogLevel = LevelWithSilent;

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly bindings?: Record<string, unknown>;
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/** A logger whose lines carry the ids of the active span, and from which secrets and message contents are kept out. */
export function createLogger({ level, bindings = {}, destination }: LoggerOptions): Logger {
  const logger = pino(
    {
      level,
      base: redactedFields(bindings),
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: formatted },
      // The formatter above has already turned errors into plain objects.
      serializers: { err: (error: unknown) => error, req: describeRequest, res: describeResponse },
      mixin: activeSpanIds,
      hooks: {
        logMethod(args, method) {
          method.apply(this, redactedArguments(args) as typeof args);
        },
      },
    },
    destination ?? pino.destination({ dest: 1, sync: false, minLength: 0 }),
  );
  return withRedactedChildren(logger);
}

/** A logger that says nothing. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}

/** The first argument, when it is an object, is seen by the formatter; the words and what is put into them are not. */
function redactedArguments(args: readonly unknown[]): unknown[] {
  const [first, ...rest] = args;
  if (isError(first) && rest.length === 0) return [{ err: first }, redactText(first.message)];
  return [typeof first === 'string' ? redactText(first) : first, ...rest.map((value) => redact(value))];
}

/** Requests and responses as web frameworks log them are left to their serializers. */
function formatted({ req, res, ...fields }: Record<string, unknown>): Record<string, unknown> {
  return { ...redactedFields(fields), ...(req !== undefined && { req }), ...(res !== undefined && { res }) };
}

function describeRequest(request: { method?: unknown; url?: unknown } | undefined) {
  return { method: String(request?.method), url: redactUrl(String(request?.url)) };
}

function describeResponse(response: { statusCode?: unknown } | undefined) {
  return { status: Number(response?.statusCode) };
}

function redactedFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redact(fields) as Record<string, unknown>;
}

/** pino's formatters do not see the bindings of children. */
function withRedactedChildren(logger: Logger): Logger {
  const child = logger.child;
  logger.child = function (this: Logger, bindings: Record<string, unknown>, options: never) {
    return child.call(this, formatted(bindings), options);
  } as unknown as typeof logger.child;
  return logger;
}

function activeSpanIds(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
}
