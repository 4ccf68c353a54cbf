import { ServerKeyRingDefinition } from '@ganglion/contracts/federation';
import type { ServiceDescriptor } from '@ganglion/service';
import { createFederationApi } from './federation-api.js';
import { federationApiModule } from './federation-api.module.js';
import { federationApiSchema } from './storage/migrations.js';

/** What other servers may ask of us, and what we ask of them. */
export const service: ServiceDescriptor = {
  name: 'federation-api',
  schema: federationApiSchema,
  offers: { serverKeyRing: ServerKeyRingDefinition },
  async compose(foundation) {
    const { config, db } = foundation;
    const api = createFederationApi({ config, db, signingKeys: await foundation.signingKeys() });
    return { module: federationApiModule(config, api), part: api, offers: api };
  },
};
