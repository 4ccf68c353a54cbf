import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';

/** Some proxies write down the port, too: `192.0.2.7:4711`, `[2001:db8::7]:4711`. */
const WITH_PORT = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[\d.]+)):\d+$/;

/**
 * The address that a request comes from, as far as the proxies that we believe tell the truth: of those in X-Forwarded-For the
 * last one that no trusted proxy has. What is passed on is only believed to be an address when it is one: anybody can write
 * anything there. One address has one form, however it came.
 */
export function clientAddress({ ip, ips, socket }: FastifyRequest): string {
  const hops = ips ?? [ip];
  const address = hops.map(parse).findLast((hop) => hop !== undefined) ?? parse(socket.remoteAddress ?? '');
  return address?.toString() ?? 'unknown';
}

/** Whose an address is: of IPv6, one household or machine has all addresses of a /64 to choose from. */
export function householdOf(address: string): string {
  const parsed = parse(address);
  return parsed?.kind() === 'ipv6' ? rangeOf(parsed, 64) : address;
}

/** The neighbourhood of an address, which somebody may well have many addresses in: its /24, or /64 of IPv6. */
export function networkOf(address: string): string {
  const parsed = parse(address);
  if (parsed === undefined) return address;
  return rangeOf(parsed, parsed.kind() === 'ipv6' ? 64 : 24);
}

type Address = ReturnType<typeof ipaddr.process>;

/** IPv4 in the guise of IPv6 (`::ffff:192.0.2.7`) is IPv4. */
function parse(text: string): Address | undefined {
  const { v4, v6 } = WITH_PORT.exec(text)?.groups ?? {};
  const address = v4 ?? v6 ?? text;
  return ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address)
    ? ipaddr.process(address)
    : undefined;
}

function rangeOf(address: Address, bits: number): string {
  const kind = address.kind() === 'ipv6' ? ipaddr.IPv6 : ipaddr.IPv4;
  return `${kind.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
}
