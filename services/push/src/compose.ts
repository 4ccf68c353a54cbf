import { type AccountData, AccountDataDefinition, type Devices, DevicesDefinition } from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { pushModule } from './push.module.js';
import { createPushServer } from './push-server.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async ({ config, db }, interfaces) => {
  const accountData = await interfaces.find<AccountData>(AccountDataDefinition);
  const devices = await interfaces.find<Devices>(DevicesDefinition);
  const rules = { threads: config.rooms.thread_subscriptions };
  return { module: pushModule(createPushServer({ db, accountData, devices, rules })) };
};
