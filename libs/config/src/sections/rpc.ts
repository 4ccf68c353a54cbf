import { z } from 'zod';
import { CALLED_SERVICES, type CalledService } from '../services.js';
import { caFile, certFile, hostPort, keyFile, milliseconds, rpcEndpoint } from '../values.js';

const replicasOf = (service: CalledService) =>
  z
    .array(rpcEndpoint)
    .min(1)
    .exactOptional()
    .meta({ description: `Replicas of ${service}.`, examples: [[`dns:${service}:9090`]] });

type Endpoints = Record<CalledService, ReturnType<typeof replicasOf>>;

export const rpc = z
  .strictObject({
    listen: hostPort.default('127.0.0.1:9090').describe('Where this process answers the other services.'),
    endpoints: z
      .strictObject(Object.fromEntries(CALLED_SERVICES.map((name) => [name, replicasOf(name)])) as Endpoints)
      .prefault({})
      .describe(
        'Where the services are that do not run in this process: host:port for each replica, or dns:host:port for every address behind a name.',
      ),
    deadline_ms: milliseconds.default(10_000).describe('A call that takes longer fails.'),
    tls: z
      .strictObject({ ca_file: caFile, cert_file: certFile, key_file: keyFile })
      .exactOptional()
      .meta({ description: 'Mutual TLS between services; each must show a certificate signed by ca_file.' }),
  })
  .prefault({})
  .describe('gRPC between services; unused when all of them run in one process.');
