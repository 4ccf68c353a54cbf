import {
  AccountDataDefinition,
  DevicesDefinition,
  InteractiveAuthDefinition,
  TokensDefinition,
  UserLogDefinition,
  UsersDefinition,
} from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { userServerSchema } from './storage/migrations.js';

/** Accounts with their devices, tokens, profiles, filters and account data. */
export const service: ServiceDescriptor = {
  name: 'user-server',
  schema: userServerSchema,
  offers: {
    tokens: TokensDefinition,
    users: UsersDefinition,
    userLog: UserLogDefinition,
    accountData: AccountDataDefinition,
    devices: DevicesDefinition,
    interactiveAuth: InteractiveAuthDefinition,
  },
  // Whoever runs other services need not load this one.
  compose: async (foundation, interfaces) => (await import('./compose.js')).compose(foundation, interfaces),
};
