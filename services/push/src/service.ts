import type { ServiceDescriptor } from '@ganglion/service';
import { pushSchema } from './storage/migrations.js';

/** Whom to tell of what: push rules and pushers. */
export const service: ServiceDescriptor = {
  name: 'push',
  schema: pushSchema,
  offers: {},
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
