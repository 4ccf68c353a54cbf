import { z } from 'zod';
import { hostPort, httpUrl } from '../values.js';

export const telemetry = z
  .strictObject({
    log: z
      .strictObject({
        level: z
          .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
          .default('info')
          .describe('The least important lines to write.'),
        format: z.enum(['json', 'text']).default('json').describe('json for collectors, text for people.'),
      })
      .prefault({})
      .describe('Logs, to the standard output. They never hold message contents or tokens.'),
    traces: z
      .strictObject({
        otlp_endpoint: httpUrl.exactOptional().meta({
          description: 'Where spans are sent by OTLP over HTTP; without it there are no traces.',
          examples: ['http://127.0.0.1:4318/v1/traces'],
        }),
        sample_ratio: z.number().min(0).max(1).default(1).describe('The part of the requests that is traced, 0 to 1.'),
      })
      .prefault({})
      .describe('OpenTelemetry traces.'),
    metrics: z
      .strictObject({
        listen: hostPort.exactOptional().meta({
          description:
            'Where operators are told /metrics, /health/live and /health/ready, which nobody else is; without it, nobody. Clients learn from /health of the other listeners whether a process wants requests.',
          examples: ['127.0.0.1:9100'],
        }),
      })
      .prefault({})
      .describe('Prometheus metrics.'),
  })
  .prefault({})
  .describe('What operators see.');
