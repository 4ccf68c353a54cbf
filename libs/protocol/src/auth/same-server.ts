import { domainOf } from '../identifiers/user-id.js';

/** The server name in an identifier, or undefined where it has none. */
export function serverOf(id: string): string | undefined {
  return id.includes(':') ? domainOf(id) : undefined;
}

/** Whether two identifiers name the same server; false where either names none. */
export function isSameServer(one: string, other: string): boolean {
  const server = serverOf(one);
  return server !== undefined && server === serverOf(other);
}
