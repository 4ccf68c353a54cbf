import type { ServiceDescriptor } from '@ganglion/service';
import { federationApiModule } from './federation-api.module.js';

/** What other servers may ask of us. */
export const service: ServiceDescriptor = {
  name: 'federation-api',
  offers: {},
  async compose({ config, signingKeys }) {
    return { module: federationApiModule(config, await signingKeys()) };
  },
};
