import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const generateKeys = () =>
  crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as the test. */
export class Authority {
  readonly #certificate: x509.X509Certificate;
  readonly #keys: webcrypto.CryptoKeyPair;
  readonly #folder = mkdtempSync(join(tmpdir(), 'ganglion-certificates-'));

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async create(name: string): Promise<Authority> {
    x509.cryptoProvider.set(crypto);
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: `CN=${name}`,
      keys,
      signingAlgorithm: algorithm,
      ...lifetime(),
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new Authority(certificate, keys);
  }

  /** Files for a server or client that may be reached by the name; new ones take the place of those it had. */
  async issue(name: string, ca: Authority = this): Promise<CertificateFiles> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: algorithm,
      ...lifetime(),
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: isIp(name) ? 'ip' : 'dns', value: name }])],
    });
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY');
    return {
      ca: this.#write(`${name}-ca.pem`, ca.#certificate.toString('pem')),
      cert: this.#write(`${name}.pem`, certificate.toString('pem')),
      key: this.#write(`${name}-key.pem`, key),
    };
  }

  /** Removes every file it has issued. */
  end(): void {
    rmSync(this.#folder, { recursive: true });
  }

  #write(file: string, text: string): string {
    const path = join(this.#folder, file);
    writeFileSync(path, text);
    return path;
  }
}

function lifetime() {
  return { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
}

function isIp(name: string): boolean {
  return /^[\d.]+$/.test(name);
}
