import { Resolver } from 'node:dns/promises';
import type { ServiceRecord } from './server-location.js';

/** Looks service records up; none when there are none, or nobody knows. */
export type FindServiceRecords = (name: string) => Promise<readonly ServiceRecord[]>;

const resolver = new Resolver({ timeout: 3_000, tries: 2 });

/** The service records that the DNS has. */
export async function findServiceRecords(name: string): Promise<readonly ServiceRecord[]> {
  const records = await resolver.resolveSrv(name).catch(() => []);
  // A dot stands for: there is no such service here.
  return records.filter(({ name: target }) => target !== '' && target !== '.');
}
