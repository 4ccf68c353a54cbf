/** Counts what passed and what failed. What is skipped has failed: nobody knows whether it works. */
export class Tally {
  passed = 0;
  failed = 0;

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
      console.log(`FAIL ${name} (${took()})\n${error.message}\n`);
      return false;
    }
  }

  /** Adds what a run of jest has found, by its JSON report and its exit code; `isPart` when tests were picked by name. */
  addJest(report, exitCode, isPart = false) {
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
    const skipped = isPart ? 0 : report.numPendingTests + report.numTodoTests;
    if (skipped > 0) for (const name of skippedTests(report)) console.log(`SKIPPED, counted as failed: ${name}`);
    this.passed += report.numPassedTests;
    this.failed += failed + skipped;
    if (exitCode !== 0 && failed + skipped === 0) this.fail(`jest ended with ${exitCode} although no test failed`);
  }

  fail(reason) {
    this.failed++;
    console.log(`FAIL ${reason}`);
  }

  summary() {
    return `${this.passed} passed, ${this.failed} failed`;
  }
}

function skippedTests({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'pending' || status === 'todo' || status === 'disabled')
      .map(({ fullName }) => `${name}: ${fullName}`),
  );
}
