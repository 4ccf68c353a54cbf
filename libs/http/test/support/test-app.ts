import { type Config, type ConfigInput, parseConfig } from '@ganglion/config';
import { MatrixError, type RateLimitDecision, type RateLimiter } from '@ganglion/contracts';
import { createLogger, Metrics } from '@ganglion/telemetry';
import type { Type } from '@nestjs/common';
import {
  createHttpApp,
  type HttpApp,
  type HttpAppOptions,
  type Requester,
  type TokenVerifier,
} from '../../src/index.js';

const ALICE: Requester = {
  userId: '@alice:one.test',
  deviceId: 'PHONE',
  admin: false,
  guest: false,
  tokenHash: Buffer.alloc(32),
};

/** Knows two tokens: `alice` and `guest`. */
const TOKENS: TokenVerifier = {
  async verify(accessToken) {
    if (accessToken === 'alice') return ALICE;
    if (accessToken === 'guest') return { ...ALICE, userId: '@1:one.test', guest: true };
    throw new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unknown token', { soft_logout: false });
  },
};

/** Says what it was told to say, and remembers what it was asked. */
export class FakeRateLimiter implements RateLimiter {
  readonly asked: string[] = [];
  decision: RateLimitDecision = { allowed: true, retryAfterMs: 0 };

  async take(name: string, key: string): Promise<RateLimitDecision> {
    this.asked.push(`${name} ${key}`);
    return this.decision;
  }
}

function httpConfig(http: ConfigInput['http'] = {}): Config['http'] {
  const listeners = [{ host: '127.0.0.1', port: 0 }];
  const input: ConfigInput = { server_names: [{ name: 'one.test' }], http: { listeners, ...http } };
  return parseConfig(JSON.stringify(input), '/').http;
}

/** The lines that were logged. */
export class LogLines {
  readonly lines: string[] = [];
  readonly logger = createLogger({
    level: 'info',
    destination: { write: (line: string) => void this.lines.push(line) },
  });
}

export interface TestAppOptions extends Partial<Omit<HttpAppOptions, 'config'>> {
  readonly http?: ConfigInput['http'];
}

/** An application of these controllers, whose tokens and limits are the fakes of this file. */
export function testApp(controllers: Type[], { http, ...options }: TestAppOptions = {}): Promise<HttpApp> {
  class TestModule {}
  return createHttpApp([{ module: TestModule, controllers }], {
    config: httpConfig(http),
    tokens: TOKENS,
    rateLimiter: new FakeRateLimiter(),
    health: {},
    logger: createLogger({ level: 'silent' }),
    metrics: new Metrics(),
    ...options,
  });
}
