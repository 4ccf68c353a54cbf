import { createHash, randomBytes, randomInt } from 'node:crypto';
import type { DeviceKey, TokenPair } from './ports.js';

const TOKEN_BYTES = 32;
const DEVICE_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DEVICE_ID_LENGTH = 10;

/** How long tokens last; for ever where undefined. */
export interface TokenLifetimes {
  readonly accessMs: number | undefined;
  readonly refreshableAccessMs: number;
  readonly refreshMs: number | undefined;
}

/** Tokens as the client gets them. Only their hashes are kept. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresInMs?: number;
}

export interface RefreshableTokens extends IssuedTokens {
  readonly refreshToken: string;
}

/** What is stored, and compared, in place of a token. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** New tokens for a device whose client can refresh them. */
export function issueRefreshable(
  device: DeviceKey,
  lifetimes: TokenLifetimes,
): { tokens: RefreshableTokens; pair: Required<TokenPair> } {
  const tokens = {
    accessToken: newToken('gat'),
    refreshToken: newToken(`grt_${Buffer.from(`${device.userId} ${device.deviceId}`).toString('base64url')}`),
    expiresInMs: lifetimes.refreshableAccessMs,
  };
  const pair = {
    access: { hash: hashToken(tokens.accessToken), lifetimeMs: lifetimes.refreshableAccessMs },
    refresh: { hash: hashToken(tokens.refreshToken), lifetimeMs: lifetimes.refreshMs },
  };
  return { tokens, pair };
}

/** The device that a refresh token was given to, as far as it says so: nothing of it is proven. */
export function claimedDevice(refreshToken: string): DeviceKey | undefined {
  const claim = /^grt_([\w-]+)_[\w-]{43}$/.exec(refreshToken)?.[1];
  const [, userId, deviceId] = /^(@\S+) ([^\0]+)$/.exec(Buffer.from(claim ?? '', 'base64url').toString()) ?? [];
  return userId === undefined || deviceId === undefined ? undefined : { userId, deviceId };
}

/** A new access token for a client that cannot refresh it. */
export function issueAccessToken({ accessMs }: TokenLifetimes): { tokens: IssuedTokens; pair: TokenPair } {
  const accessToken = newToken('gat');
  return {
    tokens: accessMs === undefined ? { accessToken } : { accessToken, expiresInMs: accessMs },
    pair: { access: { hash: hashToken(accessToken), lifetimeMs: accessMs } },
  };
}

export function randomDeviceId(): string {
  return Array.from({ length: DEVICE_ID_LENGTH }, () => DEVICE_LETTERS[randomInt(DEVICE_LETTERS.length)]).join('');
}

/** A new secret that a client keeps, and we do not. */
export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(TOKEN_BYTES).toString('base64url')}`;
}
