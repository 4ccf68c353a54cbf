let made = 0;

/** A name that no other account of the deployment has. */
export function fresh(name: string): string {
  made += 1;
  return `${name}-${process.pid}-${made}`;
}
