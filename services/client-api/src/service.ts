import type { ServiceDescriptor } from '@ganglion/service';

/** The Client-Server API of rooms, in front of the services that own what it is about. */
export const service: ServiceDescriptor = {
  name: 'client-api',
  offers: {},
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
