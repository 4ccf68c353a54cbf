import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type Range = ReturnType<typeof ipaddr.parseCIDR>;

/** All that is given out to reach machines on the Internet lies in here; the rest of IPv6 has other uses. */
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Which addresses we connect to on somebody else's word: those of the Internet, and the networks that are named. */
export class AddressRules {
  readonly #allowed: readonly Range[];

  /** @param allowedNetworks addresses, and ranges such as 10.0.0.0/8 */
  constructor(allowedNetworks: readonly string[]) {
    this.#allowed = allowedNetworks.map(parseRange);
  }

  /** False for what is private, loopback, link-local, reserved or no address, in whichever form it is written. */
  allows(address: string): boolean {
    if (isIP(address) === 0) return false;
    // IPv4 in the guise of IPv6 is IPv4.
    const parsed = ipaddr.process(address);
    return isPublic(parsed) || this.#allowed.some((range) => isWithin(parsed, range));
  }
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || isWithin(address, GLOBAL_IPV6);
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, range: Range): boolean {
  return address.kind() === range[0].kind() && address.match(range as [ipaddr.IPv4 & ipaddr.IPv6, number]);
}

function parseRange(text: string): Range {
  if (text.includes('/')) return ipaddr.parseCIDR(text);
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}
