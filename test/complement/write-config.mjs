// Writes the configuration of an all-in-one homeserver for Complement.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SETTINGS } from '../cluster/src/complement-settings.ts';

const { BIND_ADDR, CLIENT_PORT, FEDERATION_PORT, TLS_CERT, TLS_KEY, DATA_DIR } = process.env;
const { http, federation } = SETTINGS;

const config = {
  ...SETTINGS,
  data_dir: DATA_DIR,
  database: { embedded: {}, pool_size: 10 },
  http: { ...http, listeners: [{ host: BIND_ADDR, port: Number(CLIENT_PORT) }] },
  federation: {
    ...federation,
    listeners: [{ host: BIND_ADDR, port: Number(FEDERATION_PORT), tls: { cert_file: TLS_CERT, key_file: TLS_KEY } }],
  },
};

const file = process.argv[2];
mkdirSync(dirname(file), { recursive: true });
// JSON is YAML.
writeFileSync(file, JSON.stringify(config, null, 2), { mode: 0o600 });
