import { z } from 'zod';
import { addressRange, count, httpUrl, listener } from '../values.js';

export const http = z
  .strictObject({
    listeners: z.array(listener(8008)).min(1).prefault([{}]).describe('Where clients and other servers are answered.'),
    public_base_url: httpUrl.exactOptional().meta({
      description: 'How clients reach this deployment from outside.',
      examples: ['https://matrix.example.org'],
    }),
    max_body_bytes: count.default(1_048_576).describe('A larger request is refused with M_TOO_LARGE.'),
    trusted_proxies: z
      .array(addressRange)
      .default([])
      .meta({
        description:
          'Addresses and networks of the reverse proxies in front of us, whose X-Forwarded-For is believed: read from its end, the first address that is not one of them is the client. Limits count by it, so name no network that clients are in.',
        examples: [['127.0.0.1', '10.0.0.0/8']],
      }),
    drain_seconds: z
      .int()
      .min(0)
      .default(20)
      .describe('How long requests may take to finish when the process is told to stop.'),
  })
  .prefault({})
  .describe('HTTP, for clients and other servers.');
