// Starts Ganglion and Synapse beside each other on loopback, with certificates of an authority that is made for it.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const START = fileURLToPath(new URL('../complement/start', import.meta.url));
const BUILT = fileURLToPath(new URL('../../services/all-in-one/dist/bundle', import.meta.url));
const SECRET = 'only for tests';

/** What has to be there and is not: a line each. */
export function missing() {
  const lines = [];
  if (spawnSync('openssl', ['version']).status !== 0) lines.push('openssl, which makes certificates');
  if (!existsSync(BUILT)) lines.push('Ganglion itself: npm run build');
  const python = pythonOfSynapse();
  if (spawnSync(python, ['-c', 'import synapse']).status !== 0) {
    lines.push(`Synapse (${python} has no module synapse): python3 -m venv DIR && DIR/bin/pip install matrix-synapse`);
    lines.push('… and SYNAPSE_VENV=DIR in the environment of this program');
  }
  return lines;
}

function pythonOfSynapse() {
  const { SYNAPSE_VENV } = process.env;
  return SYNAPSE_VENV === undefined ? 'python3' : join(SYNAPSE_VENV, 'bin', 'python');
}

/** An authority and a certificate of 127.0.0.1. */
export function makeCertificates(folder) {
  const path = (name) => join(folder, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path('leaf.cnf'), 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n');
  const authority = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=peers'];
  openssl('req', ...authority, '-keyout', path('ca.key'), '-out', path('ca.crt'));
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=127.0.0.1',
    '-keyout',
    path('tls.key'),
    '-out',
    path('tls.csr'),
  );
  const signing = ['-req', '-in', path('tls.csr'), '-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-CAcreateserial'];
  openssl('x509', ...signing, '-days', '30', '-extfile', path('leaf.cnf'), '-out', path('tls.crt'));
  return { ca: path('ca.crt'), cert: path('tls.crt'), key: path('tls.key') };
}

/** A homeserver that can be stopped and started again with all that it has. */
class Peer {
  #process;

  constructor(what, { clientPort, federationPort, folder, certificates }) {
    this.what = what;
    this.name = `127.0.0.1:${federationPort}`;
    this.url = `http://127.0.0.1:${clientPort}`;
    this.ports = { clientPort, federationPort };
    this.folder = join(folder, what);
    this.certificates = certificates;
    mkdirSync(this.folder, { recursive: true });
  }

  async start() {
    const { command, args, env } = this.program();
    const log = openSync(`${this.folder}.log`, 'a');
    this.#process = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', log, log] });
    for (const end = Date.now() + 120_000; Date.now() < end; ) {
      if (this.#process.exitCode !== null) break;
      const answer = await fetch(`${this.url}/_matrix/client/versions`).catch(() => undefined);
      if (answer?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(`${this.what} does not start: see ${this.folder}.log`);
  }

  async stop() {
    if (this.#process === undefined || this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}

export class Ganglion extends Peer {
  constructor(options) {
    super('ganglion', options);
  }

  program() {
    const { ca, cert, key } = this.certificates;
    const { clientPort, federationPort } = this.ports;
    const env = {
      ...{ SERVER_NAME: this.name, BIND_ADDR: '127.0.0.1', DATA_DIR: this.folder },
      ...{ CLIENT_PORT: `${clientPort}`, FEDERATION_PORT: `${federationPort}` },
      ...{ TLS_CERT: cert, TLS_KEY: key, CA_CERT: ca, REGISTRATION_SHARED_SECRET: SECRET },
    };
    return { command: 'sh', args: [START], env };
  }
}

export class Synapse extends Peer {
  constructor(options) {
    super('synapse', options);
  }

  program() {
    const { ca, cert, key } = this.certificates;
    const { clientPort, federationPort } = this.ports;
    const inFolder = (name) => join(this.folder, name);
    const unlimited = { per_second: 10_000, burst_count: 10_000 };
    const listener = (port, tls) => ({
      ...{ port, tls, bind_addresses: ['127.0.0.1'], type: 'http' },
      resources: [{ names: ['client', 'federation'] }],
    });
    const config = {
      server_name: this.name,
      public_baseurl: `${this.url}/`,
      pid_file: inFolder('pid'),
      signing_key_path: inFolder('signing.key'),
      ...{ media_store_path: inFolder('media'), max_upload_size: '200M', dynamic_thumbnails: true },
      ...{ tls_certificate_path: cert, tls_private_key_path: key, federation_custom_ca_list: [ca] },
      listeners: [listener(clientPort, false), listener(federationPort, true)],
      database: { name: 'sqlite3', args: { database: inFolder('homeserver.db') } },
      ...{ registration_shared_secret: SECRET, macaroon_secret_key: SECRET, form_secret: SECRET },
      ...{ enable_registration: true, enable_registration_without_verification: true, bcrypt_rounds: 4 },
      ...{ report_stats: false, trusted_key_servers: [], suppress_key_server_warning: true },
      ...{ ip_range_blacklist: [], federation_ip_range_blacklist: [] },
      ...{
        rc_message: unlimited,
        rc_registration: unlimited,
        rc_joins_per_room: unlimited,
        rc_room_creation: unlimited,
        rc_media_create: unlimited,
        remote_media_download_per_second: '1000M',
        remote_media_download_burst_count: '10000M',
      },
      rc_login: { address: unlimited, account: unlimited, failed_attempts: unlimited },
      rc_joins: { local: unlimited, remote: unlimited },
      rc_invites: { per_room: unlimited, per_user: unlimited, per_issuer: unlimited },
      // A server that was stopped is tried again soon.
      federation: { destination_min_retry_interval: '1s', destination_max_retry_interval: '5s' },
      caches: { sync_response_cache_duration: 0 },
    };
    writeFileSync(inFolder('homeserver.yaml'), JSON.stringify(config, null, 2));
    const python = pythonOfSynapse();
    if (!existsSync(config.signing_key_path)) {
      execFileSync(python, ['-m', 'synapse._scripts.generate_signing_key', '-o', config.signing_key_path]);
    }
    const args = ['-m', 'synapse.app.homeserver', '-c', inFolder('homeserver.yaml')];
    return { command: python, args, env: { SSL_CERT_FILE: ca } };
  }
}
