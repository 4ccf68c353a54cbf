import { forbidden } from './failures.js';
import type { Requester } from './ports.js';

/** @throws MatrixError M_FORBIDDEN */
export function checkAdmin({ admin }: Requester): void {
  if (!admin) throw forbidden('Only administrators of this server may do this');
}
