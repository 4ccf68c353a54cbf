import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Authority, type CertificateFiles, eventually } from '@ganglion/testing';
import type { HttpApp } from '../src/index.js';
import { LogLines, testApp } from './support/test-app.js';

const folder = mkdtempSync(join(tmpdir(), 'ganglion-listener-'));
const cert_file = join(folder, 'cert.pem');
const key_file = join(folder, 'key.pem');
const log = new LogLines();
let authority: Authority;
let app: HttpApp;
let url: string;

beforeAll(async () => {
  authority = await Authority.create('house');
  install(await authority.issue('before.test'));
  const listeners = [{ host: '127.0.0.1', port: 0, tls: { cert_file, key_file } }];
  app = await testApp([], { http: { listeners }, logger: log.logger });
  [url = ''] = await app.listen();
});
afterAll(async () => {
  await app.drain();
  authority.end();
  rmSync(folder, { recursive: true });
});

function install({ cert, key }: CertificateFiles): void {
  copyFileSync(cert, cert_file);
  copyFileSync(key, key_file);
}

/** A connection of one's own: whom the certificate is made out to that it was begun with, and how to ask for something. */
async function connection(ca: Buffer) {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca, checkServerIdentity: () => undefined });
  await once(socket, 'secureConnect');
  const name = String(socket.getPeerCertificate().subject.CN);
  const ask = async (): Promise<string> => {
    socket.write('GET /health HTTP/1.1\r\nhost: a\r\n\r\n');
    const [answer] = await once(socket, 'data');
    return String(answer).split('\r\n')[0] ?? '';
  };
  return { name, ask, end: () => socket.destroy() };
}

async function shownName(ca: Buffer): Promise<string> {
  const { name, end } = await connection(ca);
  end();
  return name;
}

it('shows a renewed certificate to new connections, and cuts none of the old ones', async () => {
  const files = await authority.issue('after.test');
  const ca = readFileSync(files.ca);
  const old = await connection(ca);
  expect([old.name, await old.ask()]).toEqual(['before.test', 'HTTP/1.1 200 OK']);
  copyFileSync(files.cert, cert_file);
  await eventually(() => expect(log.lines.join()).toContain('renewed certificates of a listener are not used'), 25_000);
  expect(await shownName(ca)).toBe('before.test');
  install(files);
  await eventually(async () => expect(await shownName(ca)).toBe('after.test'), 25_000);
  expect(await old.ask()).toBe('HTTP/1.1 200 OK');
  old.end();
}, 60_000);
