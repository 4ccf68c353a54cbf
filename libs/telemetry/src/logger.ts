import { isSpanContextValid, trace } from '@opentelemetry/api';
import pino, { type DestinationStream, type LevelWithSilent, type Logger as PinoLogger } from 'pino';
import { redact, redactText } from './redaction.js';

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
      formatters: { level: (label) => ({ level: label }), log: redactedFields },
      // The formatter above has already turned errors into plain objects.
      serializers: { err: (error: unknown) => error },
      mixin: activeSpanIds,
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg) => (typeof arg === 'string' ? redactText(arg) : arg)) as typeof args);
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

function redactedFields(fields: Record<string, unknown>): Record<string, unknown> {
  return redact(fields) as Record<string, unknown>;
}

/** pino's formatters do not see the bindings of children. */
function withRedactedChildren(logger: Logger): Logger {
  const child = logger.child;
  logger.child = function (this: Logger, bindings: Record<string, unknown>, options: never) {
    return child.call(this, redactedFields(bindings), options);
  } as unknown as typeof logger.child;
  return logger;
}

function activeSpanIds(): object {
  const context = trace.getActiveSpan()?.spanContext();
  if (!context || !isSpanContextValid(context)) return {};
  return { trace_id: context.traceId, span_id: context.spanId };
}
