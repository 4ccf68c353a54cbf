import { format } from 'node:util';
import { explained } from '@ganglion/testing';

const LINES_SHOWN = 20;

/** What the SDKs have complained about during the test at hand. */
const complaints: string[] = [];

const ignore = () => {};
const complain = (...message: unknown[]) => void complaints.push(format(...message));

// Both log to the console; some of it through loggers that nothing else reaches.
Object.assign(console, { trace: ignore, debug: ignore, info: ignore, log: ignore, warn: complain, error: complain });

/** Runs a test; what it fails with says what the SDKs have complained about. */
export async function withComplaints<T>(run: () => Promise<T>): Promise<T> {
  complaints.length = 0;
  try {
    return await run();
  } catch (error) {
    throw explained(error, `The SDKs complained:\n${complaints.slice(-LINES_SHOWN).join('\n') || '(nothing)'}`);
  }
}
