import type { ServiceDescriptor } from '@ganglion/service';
import { mediaModule } from './media.module.js';
import { createMediaServer } from './media-server.js';
import { mediaSchema } from './storage/migrations.js';

/** Files: uploads, downloads, thumbnails and previews. */
export const service: ServiceDescriptor = {
  name: 'media',
  schema: mediaSchema,
  offers: {},
  async compose(foundation) {
    const server = createMediaServer(foundation);
    return { part: server, module: mediaModule(server) };
  },
};
