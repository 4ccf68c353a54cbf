import { format } from 'node:util';
import { explained } from '@ganglion/testing';
import { contractProblems } from './contract.js';

/** Of what was complained about first, which is where most begins, and of what came last. */
const SHOWN = { first: 40, last: 20 };

/** What the SDKs have complained about during the test at hand. */
const complaints: string[] = [];

const ignore = () => {};
/** What they say of each user, whatever happens. */
const NOISE = /default global (?:over|under)ride push rule|FetchHttpApi|already have a better version/;
const complain = (...message: unknown[]) => {
  const text = format(...message);
  if (!NOISE.test(text)) complaints.push(text);
};

// Both log to the console; some of it through loggers that nothing else reaches.
Object.assign(console, { trace: ignore, debug: ignore, info: ignore, log: ignore, warn: complain, error: complain });

/** Runs a test; what it fails with says what the SDKs have complained about. It fails as well when an answer was not what the specification says. */
export async function withComplaints<T>(run: () => Promise<T>): Promise<T> {
  complaints.length = 0;
  try {
    const result = await run();
    expect([...new Set(contractProblems())]).toEqual([]);
    return result;
  } catch (error) {
    throw explained(error, `The SDKs complained:\n${shown().join('\n') || '(nothing)'}`);
  }
}

function shown(): readonly string[] {
  const { first, last } = SHOWN;
  if (complaints.length <= first + last) return complaints;
  return [...complaints.slice(0, first), '…', ...complaints.slice(-last)];
}
