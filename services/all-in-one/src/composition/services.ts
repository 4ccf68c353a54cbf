import { service as clientApi } from '@ganglion/client-api';
import { service as federationApi } from '@ganglion/federation-api';
import { service as keyServer } from '@ganglion/key-server';
import { service as media } from '@ganglion/media';
import { service as push } from '@ganglion/push';
import { service as roomServer } from '@ganglion/room-server';
import type { ServiceDescriptor } from '@ganglion/service';
import { service as sync } from '@ganglion/sync';
import { service as userServer } from '@ganglion/user-server';

/** Every service, in the order in which they start: an owner before those that ask it. They end the other way round. */
export const SERVICES: readonly ServiceDescriptor[] = [
  roomServer,
  userServer,
  keyServer,
  sync,
  media,
  push,
  clientApi,
  federationApi,
];
