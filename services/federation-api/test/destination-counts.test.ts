import { Metrics } from '@ganglion/telemetry';
import { DestinationCounts } from '../src/storage/destination-counts.js';
import { addWork } from '../src/storage/destination-work.js';
import { Sending } from './support/sending.js';

let sending: Sending;

beforeAll(async () => {
  sending = await Sending.create();
});
afterAll(() => sending.close());

it('operators are told for how many servers something waits, and how many cannot be reached', async () => {
  for (const server of ['one.example', 'two.example', 'away.example', 'idle.example'])
    await sending.db.transaction((tx) => addWork(tx, [{ server, origin: 'ours.example' }]));
  const set = (what: string, server: string) =>
    sending.db.query({
      text: `UPDATE federation_api.destinations SET ${what} WHERE server_name = $1`,
      values: [server],
    });
  await set('failures = 3, failing_since = now()', 'away.example');
  await set('has_work = false', 'idle.example');
  const metrics = new Metrics();
  const counts = new DestinationCounts(sending.db, metrics);
  const told = async () => {
    const lines = [...(await metrics.render()).matchAll(/^ganglion_federation_destinations\{state="(\w+)"\} (\d+)/gm)];
    return Object.fromEntries(lines.map(([, state, number]) => [state, Number(number)]));
  };
  await counts.count();
  expect(await told()).toEqual({ waiting: 2, away: 1 });
  counts.end();
  expect(await told()).toEqual({ waiting: 0, away: 0 });
});
