/** Only a cluster, a server that speaks with others, a collector of traces, who signs, or a person at a terminal needs them, so they are loaded with a reason. */
const ON_DEMAND = [
  '@aws-sdk/client-s3',
  '@grpc/grpc-js',
  '@nats-io/nats-core',
  '@opentelemetry/sdk-trace-node',
  'htmlparser2',
  'libsodium',
  'nodemailer',
  'pino-pretty',
  'undici',
];

/**
 * A CommonJS package that a dynamic `import` brings has no named exports in a bundle. A module of ours that imports it
 * statically has to stand between.
 */
export function refuseDynamicCommonJs({ inputs }) {
  for (const [importer, { imports }] of Object.entries(inputs)) {
    const refused = imports.find(({ kind, path }) => kind === 'dynamic-import' && inputs[path]?.format === 'cjs');
    if (!refused || importer.includes('node_modules')) continue;
    throw new Error(`${importer} imports ${refused.original} dynamically, which is CommonJS`);
  }
}

/** What is loaded with `entry`, before anything is configured, must hold nothing that is for some configurations only. */
export function refuseEagerLoading({ outputs }, entry) {
  const files = new Set();
  const load = (file) => {
    if (files.has(file)) return;
    files.add(file);
    for (const { path, kind, external } of outputs[file].imports) {
      if (kind === 'import-statement' && !external) load(path);
    }
  };
  load(Object.keys(outputs).find((file) => outputs[file].entryPoint?.endsWith(entry)));
  const modules = [...files].flatMap((file) => Object.keys(outputs[file].inputs));
  const eager = ON_DEMAND.filter((name) => modules.some((module) => module.includes(`node_modules/${name}/`)));
  if (eager.length > 0) throw new Error(`${entry} always loads ${eager.join(', ')}`);
}
