/** True for four decimal numbers from 0 to 255 with dots between. @see https://spec.matrix.org/v1.19/appendices/#server-name */
export function isIpv4(text: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(text) && text.split('.').every((part) => Number(part) <= 255);
}

const GROUP = /^[0-9A-Fa-f]{1,4}$/;

/**
 * True for an IPv6 address as in RFC 3513, section 2.2, without brackets and without a zone.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#server-name
 */
export function isIpv6(text: string): boolean {
  if (text.length < 2 || text.length > 45) return false;
  const halves = text.split('::');
  if (halves.length > 2) return false;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const count = countGroups(groups.flat());
  return halves.length === 2 ? count <= 7 : count === 8;
}

/** An embedded IPv4 address may end an address and stands for two groups. Infinity when a group is malformed. */
function countGroups(groups: readonly string[]): number {
  const last = groups.at(-1);
  if (last?.includes('.')) {
    return isIpv4(last) && groups.slice(0, -1).every((group) => GROUP.test(group)) ? groups.length + 1 : Infinity;
  }
  return groups.every((group) => GROUP.test(group)) ? groups.length : Infinity;
}
