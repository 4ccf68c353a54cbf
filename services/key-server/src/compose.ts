import { type RemoteQueries, RemoteQueriesDefinition } from '@ganglion/contracts/federation';
import { type RoomIntake, RoomIntakeDefinition } from '@ganglion/contracts/room';
import {
  type Devices,
  DevicesDefinition,
  type InteractiveAuth,
  InteractiveAuthDefinition,
} from '@ganglion/contracts/user';
import type { ServiceDescriptor } from '@ganglion/service';
import { createKeyServer } from './key-server.js';
import { keyServerModule } from './key-server.module.js';

/** Puts the service together. */
export const compose: ServiceDescriptor['compose'] = async (foundation, interfaces) => {
  const devices = await interfaces.find<Devices>(DevicesDefinition);
  const interactiveAuth = await interfaces.find<InteractiveAuth>(InteractiveAuthDefinition);
  const roomIntake = await interfaces.find<RoomIntake>(RoomIntakeDefinition);
  const remoteQueries = await interfaces.find<RemoteQueries>(RemoteQueriesDefinition);
  const server = createKeyServer({ ...foundation, devices, interactiveAuth, roomIntake, remoteQueries });
  return { part: server, module: keyServerModule(server), offers: server };
};
