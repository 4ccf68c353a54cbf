/** Says whether the OpenTelemetry SDK was loaded. Argument: "on" or "off", for traces. */
import { createRequire } from 'node:module';
import { createTelemetry } from '../../src/index.js';

await createTelemetry({
  service: 'sync',
  instance: 'sync-0',
  version: '1.0.0',
  log: { level: 'silent', format: 'json' },
  traces: process.argv[2] === 'on' ? { otlpEndpoint: 'http://127.0.0.1:1' } : {},
});
const loaded = Object.keys(createRequire(import.meta.url).cache);
console.log(`sdk: ${loaded.some((path) => path.includes('sdk-trace'))}`);
process.exit(0);
