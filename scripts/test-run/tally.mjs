import { stripVTControlCharacters } from 'node:util';

/** Counts what passed and what failed. What is skipped has failed: nobody knows whether it works. */
export class Tally {
  passed = 0;
  failed = 0;
  #failures = [];

  /** Runs one check and says how it went; true when it passed. */
  async check(name, run) {
    const began = Date.now();
    const took = () => `${((Date.now() - began) / 1000).toFixed(1)} s`;
    try {
      const note = await run();
      this.passed++;
      console.log(`PASS ${name}${note ? `: ${note}` : ''} (${took()})`);
      return true;
    } catch (error) {
      this.failed++;
      this.#failures.push(`FAIL ${name}\n${beginning(error.message)}`);
      console.log(`FAIL ${name} (${took()})\n${error.message}\n`);
      return false;
    }
  }

  /** Adds what a run of jest has found, by its JSON report and its exit code; `isPart` when tests were picked by name. */
  addJest(report, exitCode, isPart = false) {
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    const skipped = isPart ? 0 : report.numPendingTests + report.numTodoTests;
    if (skipped > 0) for (const name of skippedTests(report)) console.log(`SKIPPED, counted as failed: ${name}`);
    this.#failures.push(...failedTests(report));
    this.passed += report.numPassedTests;
    this.failed += failed + skipped;
    if (exitCode !== 0 && failed + skipped === 0) this.fail(`jest ended with ${exitCode} although no test failed`);
  }

  fail(reason) {
    this.failed++;
    this.#failures.push(`FAIL ${reason}`);
    console.log(`FAIL ${reason}`);
  }

  /** What failed, each with how its message begins: nobody has to look for it in a long log. */
  failures() {
    return this.#failures.map((failure) => `${failure}\n\n`).join('');
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}

const SHOWN_LINES = 20;

function beginning(message) {
  const lines = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines
    .slice(0, SHOWN_LINES)
    .map((line) => `    ${line}`)
    .join('\n');
}

function failedTests({ testResults }) {
  return testResults.flatMap(({ name, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0) return message ? [`FAIL ${name}\n${beginning(message)}`] : [];
    return failed.map(
      ({ fullName, failureMessages }) => `FAIL ${name}: ${fullName}\n${beginning(failureMessages.join('\n'))}`,
    );
  });
}

function skippedTests({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'pending' || status === 'todo' || status === 'disabled')
      .map(({ fullName }) => `${name}: ${fullName}`),
  );
}
