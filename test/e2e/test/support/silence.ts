import { format } from 'node:util';
import { explained } from '@ganglion/testing';
import { contractProblems } from './contract.js';

const LINES_SHOWN = 20;

/** What the SDKs have complained about during the test at hand. */
const complaints: string[] = [];

const ignore = () => {};
const complain = (...message: unknown[]) => void complaints.push(format(...message));

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
    throw explained(error, `The SDKs complained:\n${complaints.slice(-LINES_SHOWN).join('\n') || '(nothing)'}`);
  }
}
