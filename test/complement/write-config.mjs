// Writes the configuration that Complement expects of a homeserver: open registration, no rate limits, cheap password
// hashing, federation to loopback addresses.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const { SERVER_NAME, BIND_ADDR, CLIENT_PORT, FEDERATION_PORT, TLS_CERT, TLS_KEY, CA_CERT, DATA_DIR } = process.env;
const { REGISTRATION_SHARED_SECRET, LOG_LEVEL = 'warn' } = process.env;

const config = {
  server_names: [{ name: SERVER_NAME }],
  data_dir: DATA_DIR,
  database: { embedded: {}, pool_size: 10 },
  http: {
    listeners: [{ host: BIND_ADDR, port: Number(CLIENT_PORT) }],
    public_base_url: `http://${BIND_ADDR}:${CLIENT_PORT}`,
    drain_seconds: 2,
  },
  federation: {
    listeners: [{ host: BIND_ADDR, port: Number(FEDERATION_PORT), tls: { cert_file: TLS_CERT, key_file: TLS_KEY } }],
    allowed_networks: ['127.0.0.0/8'],
    trusted_ca_file: CA_CERT,
  },
  media: { previews: { enabled: true, allowed_networks: ['127.0.0.0/8'] } },
  registration: { enabled: true, shared_secret: REGISTRATION_SHARED_SECRET },
  // The suite gives power levels to creators of rooms, which rooms of version 12 refuse.
  rooms: { default_version: '11' },
  passwords: { min_length: 7, argon2: { memory_kib: 8, passes: 1 } },
  rate_limits: { enabled: false },
  telemetry: { log: { level: LOG_LEVEL } },
};

const file = process.argv[2];
mkdirSync(dirname(file), { recursive: true });
// JSON is YAML.
writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
