import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { ChannelCredentials, ServerCredentials } from '@grpc/grpc-js';

/** Paths of PEM files. Both sides show a certificate of one common authority, or the connection is refused. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function serverCredentials(tls: TlsFiles | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const { ca, cert, key } = read(tls);
  return ServerCredentials.createSsl(ca, [{ private_key: key, cert_chain: cert }], true);
}

/** @param name what the callee's certificate must be made out to: a host name or an IP address */
export function channelCredentials(tls: TlsFiles | undefined, name: string): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  const { ca, cert, key } = read(tls);
  const verify = { checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(name, shown) };
  return ChannelCredentials.createSsl(ca, key, cert, verify);
}

/** TLS carries the name that is wanted, but may not carry an IP address; our servers look at neither. */
export function channelNames(name: string) {
  const carried = isIP(name) ? 'ip-address.invalid' : name;
  return { 'grpc.ssl_target_name_override': carried, 'grpc.default_authority': carried };
}

function read({ ca, cert, key }: TlsFiles) {
  return { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
}
