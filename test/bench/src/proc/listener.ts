import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const listening = '0A';

/** The socket inodes that listen on a port, out of the text of /proc/net/tcp or tcp6. */
export function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(wanted) && fields[3] === listening)
    .flatMap((fields) => fields[9] ?? []);
}

/** The processes of this machine that listen where a URL points; none when it points elsewhere. */
export function listenersOf(url: string, proc = '/proc'): number[] {
  const { hostname, port, protocol } = new URL(url);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return [];
  const number = Number(port) || (protocol === 'https:' ? 443 : 80);
  const inodes = ['tcp', 'tcp6'].flatMap((table) =>
    listeningInodes(
      attempt(() => readNet(proc, table), ''),
      number,
    ),
  );
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = attempt(() => readdirSync(proc), []).filter((entry) => /^\d+$/.test(entry));
  return sockets.size === 0 ? [] : pids.filter((pid) => holds(`${proc}/${pid}/fd`, sockets)).map(Number);
}

function readNet(proc: string, table: string): string {
  return readFileSync(`${proc}/net/${table}`, 'utf8');
}

function holds(folder: string, sockets: ReadonlySet<string>): boolean {
  const files = attempt(() => readdirSync(folder), []);
  return files.some((file) => sockets.has(attempt(() => readlinkSync(`${folder}/${file}`), '')));
}

/** Other people's processes may not be looked into, and any may end while we look. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
