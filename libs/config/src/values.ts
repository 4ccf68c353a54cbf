import { isIP } from 'node:net';
import { isOpaqueIdentifier, isValidServerKeyId, isValidServerName } from '@ganglion/protocol/identifiers';
import { z } from 'zod';

const DNS_NAME = /^[a-z0-9](?:[a-z0-9.-]{0,228}[a-z0-9])?$/i;

function isHost(host: string): boolean {
  const inBrackets = /^\[(.+)\]$/.exec(host)?.[1];
  return inBrackets === undefined ? DNS_NAME.test(host) : isIP(inBrackets) === 6;
}

function isPort(port: string): boolean {
  return /^\d{1,5}$/.test(port) && Number(port) <= 65535;
}

function isHostPort(value: string): boolean {
  const colon = value.lastIndexOf(':');
  return colon > 0 && isPort(value.slice(colon + 1)) && isHost(value.slice(0, colon));
}

/** Leaves room for a localpart in user ids of 255 bytes. @see https://spec.matrix.org/v1.19/appendices/#server-name */
function isServerName(value: string): boolean {
  return value.length <= 230 && isValidServerName(value);
}

function isUrl(value: string, protocols: readonly string[]): boolean {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol);
}

function isAddressRange(value: string): boolean {
  const [address = '', bits, ...rest] = value.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

function text(check: (value: string) => boolean, expected: string) {
  return z.string().refine(check, { error: expected });
}

export const serverName = text(isServerName, 'a server name, such as example.org or example.org:8448');
/** @see https://spec.matrix.org/v1.19/server-server-api/#publishing-keys */
export const serverKeyId = text(isValidServerKeyId, 'the id of a key, such as ed25519:a_1');
/** 32 bytes. */
export const publicKey = text((value) => /^[A-Za-z0-9+/]{43}$/.test(value), 'a public key in unpadded base64');
export const hostPort = text(isHostPort, 'host:port, such as 127.0.0.1:9090 or [::1]:9090');
export const rpcEndpoint = text(
  (value) => isHostPort(value.replace(/^dns:/, '')),
  'host:port, or dns:host:port for every address behind a name',
);
export const httpUrl = text((value) => isUrl(value, ['http:', 'https:']), 'a URL that begins with http:// or https://');
export const natsUrl = text(
  (value) => isUrl(value, ['nats:', 'tls:', 'ws:', 'wss:']),
  'a NATS URL, such as nats://127.0.0.1:4222',
);
export const postgresUrl = text(
  (value) => isUrl(value, ['postgres:', 'postgresql:']),
  'a PostgreSQL URL, such as postgresql://ganglion@127.0.0.1:5432/ganglion',
);
/** @see https://spec.matrix.org/v1.19/appendices/#opaque-identifiers */
export const opaqueId = text(isOpaqueIdentifier, 'letters, digits and ._~- only');
/** @see https://www.rfc-editor.org/rfc/rfc5646#section-2.2 */
export const languageCode = text(
  (value) => /^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*$/.test(value),
  'a language, such as en or pt-BR',
);
export const addressRange = text(isAddressRange, 'an IP address or range, such as 10.0.0.0/8');

/** Keys that hold a path end in `_file`, `_path` or `_dir`; see `resolvePaths`. */
export const path = z.string().min(1);

export const caFile = path.meta({
  description: 'Certificate authority that signed the certificates of the other side.',
  examples: ['tls/ca.pem'],
});
export const certFile = path.meta({ description: 'Our certificate, with its chain.', examples: ['tls/ganglion.pem'] });
export const keyFile = path.meta({ description: 'Private key of our certificate.', examples: ['tls/ganglion.key'] });

export const port = z.int().min(0).max(65535);

/** Where a server listens. */
export const listener = (defaultPort: number) =>
  z.strictObject({
    host: z.string().min(1).default('127.0.0.1').describe('Address to listen on; "::" is all of them.'),
    port: port.default(defaultPort).describe('Port to listen on.'),
    tls: z
      .strictObject({ cert_file: certFile, key_file: keyFile })
      .exactOptional()
      .meta({ description: 'Serve HTTPS; without it, plain HTTP for a reverse proxy.' }),
  });
export const count = z.int().min(1);
export const milliseconds = z.int().min(1);
/** In milliseconds; PostgreSQL knows none that are longer than 2^31 - 1. */
export const timeout = z.int().min(0).max(2_147_483_647);

/** A token bucket: `burst` at once, refilled at `per_second`. */
export function rateLimit(per_second: number, burst: number, description: string) {
  return z
    .strictObject({
      per_second: z.number().positive().default(per_second),
      burst: count.default(burst),
    })
    .prefault({})
    .describe(description);
}

/** What is wrong between several settings, each of which could be right: whole sentences, and where to put it right. */
export function contradiction(message: string, ...path: (string | number)[]) {
  return { code: 'custom', path, message, params: { contradiction: true } } as const;
}
