import { startAllInOne, startTestCluster, type TestDeployment } from '@ganglion/testing';
import { AppUser } from './app-user.js';
import { contractProgress } from './contract.js';
import { fresh } from './names.js';
import { withComplaints } from './silence.js';

const DEPLOYMENTS = [
  ['all in one', startAllInOne],
  ['a cluster', startTestCluster],
] as const;

/** The deployment that the tests at hand run on. */
export type Server = () => TestDeployment;

/** A test; when it fails, it says what the servers have logged. */
export type Story = (name: string, tell: () => Promise<void>) => void;

/** Declares the same tests for everything in one process, and for two of every service behind a proxy. */
export function everywhere(tell: (server: Server, story: Story) => void): void {
  describe.each(DEPLOYMENTS)('%s', (_name, start) => {
    let deployment: TestDeployment;
    beforeAll(async () => {
      deployment = await start();
    }, 90_000);
    afterAll(() => deployment?.close(), 60_000);
    it('answers are held against the specification, if that is at hand', async () => {
      const { isAtHand } = contractProgress();
      await (await AppUser.register(deployment.url, fresh('checked'))).client.whoami();
      expect(contractProgress().checked > 0).toBe(isAtHand);
    });
    tell(
      () => deployment,
      (name, run) => {
        it(name, () => deployment.explaining(() => withComplaints(run)), 60_000);
      },
    );
  });
}
