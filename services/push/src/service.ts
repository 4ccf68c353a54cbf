import { type AccountData, AccountDataDefinition, type Devices, DevicesDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { pushModule } from './push.module.js';
import { createPushServer } from './push-server.js';
import { pushSchema } from './storage/migrations.js';

/** Whom to tell of what: push rules and pushers. */
export const service: ServiceDescriptor = {
  name: 'push',
  schema: pushSchema,
  offers: {},
  async compose({ db }, interfaces) {
    const accountData = await interfaces.find<AccountData>(AccountDataDefinition);
    const devices = await interfaces.find<Devices>(DevicesDefinition);
    return { module: pushModule(createPushServer({ db, accountData, devices })) };
  },
};
