import { once } from 'node:events';
import { streamJson } from '../src/json-stream.js';

it('JSON that nobody begins to read ends what it is read from', async () => {
  let isOpen = true;
  async function* parts() {
    try {
      yield '[';
      yield ']';
    } finally {
      isOpen = false;
    }
  }
  const stream = (await streamJson(parts())).getStream();
  expect(isOpen).toBe(true);
  stream.destroy();
  await once(stream, 'close');
  expect(isOpen).toBe(false);
});
