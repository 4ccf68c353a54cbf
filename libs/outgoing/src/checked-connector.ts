import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import type { AddressRules } from './address-rules.js';
import { OutgoingError } from './errors.js';

/** Finds the addresses of a name: `dns.lookup` with all of them. */
export type AddressLookup = (
  hostname: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * Connects to allowed addresses only. What is checked is the very address that is connected to: a name that has another
 * address by the time of a second look-up gains nothing.
 */
export function checkedConnector(
  rules: AddressRules,
  options: buildConnector.BuildOptions,
  find: AddressLookup = lookup,
): buildConnector.connector {
  const connect = buildConnector({ ...options, lookup: checkedLookup(rules, find) });
  return (target, done) => {
    const literal = target.hostname.replace(/^\[|\]$/g, '');
    // The system looks nothing up for a literal address.
    if (isIP(literal) !== 0 && !rules.allows(literal)) done(refused(literal), null);
    else connect(target, done);
  };
}

function checkedLookup(rules: AddressRules, find: AddressLookup): LookupFunction {
  return (hostname, options, done) => {
    find(hostname, { ...options, all: true }, (error, found) => {
      if (error) return done(error, '');
      const allowed = found.filter(({ address }) => rules.allows(address));
      const first = allowed[0];
      if (first === undefined) return done(refused(hostname), '');
      if (options.all === true) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}

function refused(host: string): OutgoingError {
  return new OutgoingError('address', `${host} has no address that may be connected to`);
}
