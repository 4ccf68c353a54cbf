import type { ServiceDescriptor } from '@ganglion/service';
import { mediaSchema } from './storage/migrations.js';

/** Files: uploads, downloads, thumbnails and previews. */
export const service: ServiceDescriptor = {
  name: 'media',
  schema: mediaSchema,
  offers: {},
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
