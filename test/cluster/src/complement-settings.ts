/**
 * The configuration that Complement expects of a homeserver, whatever its topology: open registration, no rate limits, cheap
 * password hashing, federation to loopback addresses.
 */
import process from 'node:process';
import type { Settings } from '@ganglion/testing';

const { SERVER_NAME, BIND_ADDR, CLIENT_PORT, CA_CERT, REGISTRATION_SHARED_SECRET, LOG_LEVEL = 'warn' } = process.env;

/** Of all-in-one and of each process of a cluster. */
export const SETTINGS = {
  server_names: [{ name: SERVER_NAME }],
  http: { public_base_url: `http://${BIND_ADDR}:${CLIENT_PORT}`, drain_seconds: 2 },
  federation: { allowed_networks: ['127.0.0.0/8'], trusted_ca_file: CA_CERT },
  media: { previews: { enabled: true, allowed_networks: ['127.0.0.0/8'] } },
  registration: { enabled: true, shared_secret: REGISTRATION_SHARED_SECRET },
  // The suite gives power levels to creators of rooms, which rooms of version 12 refuse.
  rooms: { default_version: '11', thread_subscriptions: true },
  server_notices: {},
  passwords: { min_length: 7, argon2: { memory_kib: 8, passes: 1 } },
  rate_limits: { enabled: false },
  telemetry: { log: { level: LOG_LEVEL } },
} as Settings;
