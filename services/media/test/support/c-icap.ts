import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@ganglion/testing';
import { freePorts } from '../../../../libs/testing/src/free-ports.js';

/** What it takes for a virus. */
export const SIGNATURE = 'X5O!P%@AP a virus for tests';

/** A c-icap with ClamAV behind it. */
export interface VirusScanner {
  readonly url: string;
  stop(): Promise<void>;
}

/** Where its modules are; undefined where it is not installed. */
export function findScannerModules(): string | undefined {
  try {
    execFileSync('sh', ['-c', 'command -v c-icap && command -v clamd'], { stdio: 'ignore' });
    const triplet = execFileSync('sh', ['-c', 'echo /usr/lib/*/c_icap/virus_scan.so']).toString().trim();
    if (existsSync(triplet) && existsSync(triplet.replace('virus_scan', 'clamd_mod'))) return join(triplet, '..');
  } catch {
    // Told below.
  }
  console.warn('Tested without a virus scanner: install c-icap, libc-icap-mod-virus-scan and clamav-daemon.');
  return undefined;
}

/** @param modules the folder of its modules */
export async function startVirusScanner(modules: string): Promise<VirusScanner> {
  const folder = await mkdtemp(join(tmpdir(), 'ganglion-c-icap-'));
  const within = (name: string) => join(folder, name);
  await mkdir(within('signatures'));
  const hex = Buffer.from(SIGNATURE).toString('hex');
  await writeFile(within('signatures/tests.ndb'), `Ganglion.Virus.For.Tests:0:*:${hex}\n`);
  const clamd = [`LocalSocket ${within('socket')}`, `DatabaseDirectory ${within('signatures')}`, 'Foreground yes'];
  await writeFile(within('clamd.conf'), `${[...clamd, `TemporaryDirectory ${folder}`].join('\n')}\n`);
  const [port] = await freePorts(1);
  const icap = [
    ...[`Port 127.0.0.1:${port}`, `PidFile ${within('pid')}`, `CommandsSocket ${within('commands')}`],
    ...[`TmpDir ${folder}`, `ServerLog ${within('server.log')}`, `AccessLog ${within('access.log')}`],
    ...['StartServers 1', 'MaxServers 1', `ModulesDir ${modules}`, `ServicesDir ${modules}`],
    ...['LoadMagicFile /etc/c-icap/c-icap.magic', 'TemplateDir /usr/share/c_icap/templates/'],
    ...['Module common clamd_mod.so', `clamd_mod.ClamdSocket ${within('socket')}`],
    ...['Service avscan_module virus_scan.so', 'virus_scan.DefaultEngine clamd', 'virus_scan.MaxObjectSize 20M'],
    'ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple',
    ...['virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE', 'virus_scan.SendPercentData 5'],
  ];
  await writeFile(within('c-icap.conf'), `${icap.join('\n')}\n`);
  const engine = spawn('clamd', ['-c', within('clamd.conf')], { stdio: 'ignore', cwd: folder });
  await eventually(async () => expect(existsSync(within('socket'))).toBe(true), 120_000);
  const server = spawn('c-icap', ['-N', '-f', within('c-icap.conf')], { stdio: 'ignore', cwd: folder });
  await eventually(() => reachable(port!), 60_000);
  return {
    url: `icap://127.0.0.1:${port}/avscan`,
    async stop() {
      await Promise.all([ended(server), ended(engine)]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function reachable(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve();
    }).once('error', reject);
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
