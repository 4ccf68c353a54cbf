import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type Pem, RenewedPem } from '@ganglion/tls';
import { ChannelCredentials, experimental, ServerCredentials } from '@grpc/grpc-js';

/** Paths of PEM files. Both sides show a certificate of one common authority, or the connection is refused. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Told why renewed files are not used. */
export type OnTlsFault = (error: Error) => void;

/** @throws Error when a file cannot be read, or certificate and key do not belong together */
export function serverCredentials(tls: TlsFiles | undefined, onFault?: OnTlsFault): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const certificates = new RenewedCertificates(tls, onFault);
  return experimental.createCertificateProviderServerCredentials(certificates, certificates, true);
}

/** @param name what the callee's certificate must be made out to: a host name or an IP address */
export function channelCredentials(tls: TlsFiles | undefined, name: string): ChannelCredentials {
  if (!tls) return ChannelCredentials.createInsecure();
  const certificates = new RenewedCertificates(tls);
  const verify = { checkServerIdentity: (_: string, shown: PeerCertificate) => checkServerIdentity(name, shown) };
  return experimental.createCertificateProviderChannelCredentials(certificates, certificates, verify);
}

/** TLS carries the name that is wanted, but may not carry an IP address; our servers look at neither. */
export function channelNames(name: string) {
  const carried = isIP(name) ? 'ip-address.invalid' : name;
  return { 'grpc.ssl_target_name_override': carried, 'grpc.default_authority': carried };
}

type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/**
 * Gives gRPC the certificates as they are now, for each new connection. Its own provider of files forgets what it had while
 * a file is missing, and fails the process over two that do not belong together.
 */
class RenewedCertificates implements experimental.CertificateProvider {
  readonly #pem: RenewedPem;
  readonly #forgets = new Map<CaListener | IdentityListener, () => void>();

  constructor(files: TlsFiles, onFault?: OnTlsFault) {
    this.#pem = new RenewedPem(files, onFault);
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#add(listener, ({ ca }) => listener(ca === undefined ? null : { caCertificate: ca }));
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#add(listener, ({ cert, key }) => listener({ certificate: cert, privateKey: key }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#remove(listener);
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#remove(listener);
  }

  #add(listener: CaListener | IdentityListener, tell: (pem: Pem) => void): void {
    this.#forgets.set(listener, this.#pem.watch(tell));
    // Not before gRPC is ready to hear it.
    process.nextTick(() => tell(this.#pem.current));
  }

  #remove(listener: CaListener | IdentityListener): void {
    this.#forgets.get(listener)?.();
    this.#forgets.delete(listener);
  }
}
