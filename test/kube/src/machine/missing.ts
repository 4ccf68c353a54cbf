import { execFileSync } from 'node:child_process';

/** What Debian calls the packages that these programs are in. */
const PROGRAMS = {
  ip: 'iproute2',
  nft: 'nftables',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  chroot: 'coreutils',
} as const;

/** What this machine lacks for a cluster of processes, in words; empty when it lacks nothing. */
export function whatIsMissing(): string[] {
  const missing: string[] = [];
  if (process.platform !== 'linux') missing.push('Linux: pods are processes in its namespaces');
  if (process.getuid?.() !== 0) missing.push('root: networks and mounts are made for pods');
  for (const [program, inPackage] of Object.entries(PROGRAMS)) {
    if (!isThere(program)) missing.push(`${program}, of Debian's ${inPackage}`);
  }
  return missing;
}

function isThere(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin; command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
