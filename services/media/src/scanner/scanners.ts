import type { Config } from '@ganglion/config';
import type { Scanner } from '../domain/ports/scanner.js';
import { HttpScanner } from './http-scanner.js';
import { IcapScanner } from './icap-scanner.js';

/** Who judges files, if anybody. */
export function scannerOf({ scanner }: Config['media']): Scanner | undefined {
  if (scanner === undefined) return undefined;
  const url = new URL(scanner.url);
  if (url.protocol === 'icap:') return new IcapScanner(url, scanner.timeout_ms);
  return new HttpScanner(url, scanner.timeout_ms);
}
