import type { Cluster } from '@ganglion/testing';

/** What somebody who has just started a cluster wants to know. */
export function introduce(cluster: Cluster, folder: string, databaseUrl: string, natsUrl: string): string {
  const lines = cluster.replicas.map(({ service, url, rpc, pid }) => {
    return `  ${service.padEnd(15)}${url.padEnd(25)}gRPC ${rpc.padEnd(18)}process ${pid}`;
  });
  const idle = cluster.replicasOf('sync').map(({ pid }) => `--idle-pid ${pid}`);
  return `
A cluster of Ganglion is ready.

  Clients        ${cluster.url}
  Configuration  ${cluster.config}
  Logs           ${folder}/logs
  PostgreSQL     ${databaseUrl}
  NATS           ${natsUrl}

${lines.join('\n')}

  Make an account  ./ganglion create-user alice --config ${cluster.config}
  Measure it       npm run bench -- --pid ${process.pid} (or ${idle.join(' ')}, see its help)
  Stop             Ctrl-C

`;
}
