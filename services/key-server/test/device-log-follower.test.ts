import { createLogger } from '@ganglion/telemetry';
import { DeviceLogFollower } from '../src/consumers/device-log-follower.js';
import { CursorStore } from '../src/storage/cursor-store.js';
import { type Deployment, deploy } from './support/deployment.js';

let deployment: Deployment;
beforeAll(async () => {
  deployment = await deploy();
});
afterAll(() => deployment.close());

it('a user whose keys cannot be looked at keeps nobody else waiting, and has their turn later', async () => {
  const looked: string[] = [];
  let isBroken = true;
  const since: number[] = [];
  const changed = {
    async listChangedDevices({ sinceCursor }: { sinceCursor: number }) {
      since.push(sinceCursor);
      const userIds = sinceCursor === 0 ? ['@a:x', '@broken:x', '@z:x'] : [];
      return { userIds, cursor: 7, nextUser: undefined };
    },
  };
  const ended = {
    async reconcile(userId: string) {
      if (userId === '@broken:x' && isBroken) throw new Error('broken');
      looked.push(userId);
    },
  };
  const cursors = new CursorStore(deployment.db);
  const follower = new DeviceLogFollower(changed, ended, cursors, createLogger({ level: 'silent' }));
  await follower.look();
  await follower.look();
  expect(looked).toEqual(['@a:x', '@z:x']);
  expect(since).toEqual([0, 7]);
  const due = () =>
    deployment.db.query({
      text: `UPDATE key_server.users_to_look_at SET retry_at = now() RETURNING failures`,
      values: [],
    });
  expect((await due()).rows).toEqual([{ failures: 1 }]);
  await follower.look();
  expect((await due()).rows).toEqual([{ failures: 2 }]);
  isBroken = false;
  await follower.look();
  expect(looked).toEqual(['@a:x', '@z:x', '@broken:x']);
  expect((await due()).rows).toEqual([]);
});
