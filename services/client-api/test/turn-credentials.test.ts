import { createHmac } from 'node:crypto';
import { turnCredentials } from '../src/domain/turn-credentials.js';

it('a TURN server that knows the secret believes the name for as long as it says', () => {
  const { username, password } = turnCredentials('@alice:one.test', 'secret', 1_800_000_000);
  expect(username).toBe('1800000000:@alice:one.test');
  expect(password).toBe(createHmac('sha1', 'secret').update(username).digest('base64'));
});
