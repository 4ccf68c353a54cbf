import { type RoomLog, RoomLogDefinition } from '@ganglion/contracts/room';
import { type Users, UsersDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { mediaModule } from './media.module.js';
import { createMediaServer } from './media-server.js';
import { openByteStore } from './storage/byte-stores.js';
import { mediaSchema } from './storage/migrations.js';

/** Files: uploads, downloads, thumbnails and previews. */
export const service: ServiceDescriptor = {
  name: 'media',
  schema: mediaSchema,
  offers: {},
  async compose(foundation, interfaces) {
    const users = await interfaces.find<Users>(UsersDefinition);
    const roomLog = await interfaces.find<RoomLog>(RoomLogDefinition);
    const server = createMediaServer({
      ...foundation,
      users,
      roomLog,
      bytes: await openByteStore(foundation.config.media),
    });
    return { part: server, module: mediaModule(server) };
  },
};
