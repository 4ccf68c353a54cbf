import { retryOnChange } from '../src/retry-on-change.js';

it('what was changed meanwhile is read and changed again, until it is written', async () => {
  let stored = 0;
  let interruptions = 3;
  await retryOnChange(async () => {
    const read = stored;
    if (interruptions-- > 0) stored += 10;
    if (stored !== read) return false;
    stored = read + 1;
    return true;
  });
  expect(stored).toBe(31);
});

it('whoever is always too late is asked to come again later', async () => {
  let attempts = 0;
  const late = retryOnChange(async () => {
    attempts++;
    return false;
  });
  await expect(late).rejects.toMatchObject({ status: 429, errcode: 'M_LIMIT_EXCEEDED' });
  expect(attempts).toBe(20);
});

it('what fails is not tried again', async () => {
  let attempts = 0;
  const failing = retryOnChange(async () => {
    attempts++;
    throw new Error('gone');
  });
  await expect(failing).rejects.toThrow('gone');
  expect(attempts).toBe(1);
});
