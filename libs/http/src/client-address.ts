import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/**
 * The address that a request comes from, as far as the proxies that we believe tell the truth. What they pass on is only
 * believed to be an address when it is one: anybody can write anything into X-Forwarded-For.
 */
export function clientAddress({ ip, socket }: FastifyRequest): string {
  return isIP(ip) === 0 ? (socket.remoteAddress ?? 'unknown') : ip;
}
