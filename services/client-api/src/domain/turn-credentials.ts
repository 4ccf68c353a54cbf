import { createHmac } from 'node:crypto';

/**
 * A name and password that TURN servers believe until a time, in seconds since the epoch, because they know the secret as well.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
 */
export function turnCredentials(userId: string, secret: string, until: number) {
  const username = `${until}:${userId}`;
  return { username, password: createHmac('sha1', secret).update(username).digest('base64') };
}
