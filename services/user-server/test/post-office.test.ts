import { Metrics, silentLogger } from '@ganglion/telemetry';
import { PostOffice } from '../src/mail/post-office.js';

const letter = { letterId: 1, recipient: 'somebody@example.org', subject: '', text: '', html: '', attempts: 1 };

it('a server that stops waits for the letter that is on its way, and leaves the others', async () => {
  let claimed = 0;
  const onItsWay = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  // A queue that never ends.
  const store = {
    claim: async () => ({ ...letter, letterId: ++claimed }),
    remove: async () => {},
    postpone: async () => {},
  };
  const send = () => {
    onItsWay.resolve();
    return answered.promise;
  };
  const office = new PostOffice(store, { send, close: async () => {} }, 1_000, silentLogger(), new Metrics());
  const sweeping = office.sweep();
  await onItsWay.promise;
  const closed = office.close();
  answered.resolve();
  await Promise.all([closed, sweeping]);
  await office.sweep();
  expect(claimed).toBe(1);
});
