import { Controller, Get, Post } from '@nestjs/common';
import { Authenticated, type HttpApp, RateLimited, RequestedBy, type Requester } from '../src/index.js';
import { FakeRateLimiter, testApp } from './support/test-app.js';

@Controller('_matrix/client/v3')
@Authenticated()
class MembersController {
  @Get('whoami')
  whoami(@RequestedBy() { userId, deviceId }: Requester) {
    return { userId, deviceId };
  }

  @Get('public')
  @Authenticated({ guests: true })
  guests(@RequestedBy() { userId, guest }: Requester) {
    return { userId, guest };
  }

  @Post('send')
  @RateLimited('message')
  send() {
    return {};
  }
}

@Controller('_matrix/client/v3')
@Authenticated({ guests: true })
class LobbyController {
  @Get('lobby')
  look() {
    return {};
  }

  @Get('vault')
  @Authenticated()
  open() {
    return {};
  }

  @Post('knock')
  @Authenticated({ guests: true })
  @RateLimited('message')
  knock() {
    return {};
  }

  @Post('ring')
  @RateLimited('message')
  @Authenticated({ guests: true })
  ring() {
    return {};
  }
}

@Controller('_matrix/client/v3')
class OpenController {
  @Post('login')
  @RateLimited('login')
  login() {
    return {};
  }
}

const limiter = new FakeRateLimiter();
let app: HttpApp;
beforeAll(async () => {
  app = await testApp([MembersController, LobbyController, OpenController], { rateLimiter: limiter });
});
afterAll(() => app.drain());

async function call(method: 'GET' | 'POST', path: string, headers: Record<string, string> = {}) {
  const answer = await app.fastify.inject({ method, url: `/_matrix/client/v3/${path}`, headers });
  return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an access token', () => {
  it.each<[string, string, Record<string, string>]>([
    ['in the header', 'whoami', bearer('alice')],
    ['in the header, however it is written', 'whoami', { authorization: 'bearer  alice' }],
    ['in the query', 'whoami?access_token=alice', {}],
    ['in the header, which counts more than the query', 'whoami?access_token=nonsense', bearer('alice')],
  ])('is taken %s', async (_, path, headers) => {
    const { status, body } = await call('GET', path, headers);
    expect([status, body]).toEqual([200, { userId: '@alice:one.test', deviceId: 'PHONE' }]);
  });

  it.each<[string, string, Record<string, string>]>([
    ['absent', 'whoami', {}],
    ['empty', 'whoami?access_token=', {}],
    ['given twice', 'whoami?access_token=alice&access_token=alice', {}],
    ['of another scheme', 'whoami', { authorization: 'Basic alice' }],
    ['two words', 'whoami', { authorization: 'Bearer alice bob' }],
    ['nothing after its scheme', 'whoami', { authorization: 'Bearer' }],
  ])('is M_MISSING_TOKEN when it is %s', async (_, path, headers) => {
    expect(await call('GET', path, headers)).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
  });

  it('is M_UNKNOWN_TOKEN when nobody has it, with what the verifier says of it', async () => {
    const { status, body } = await call('GET', 'whoami', bearer('stolen'));
    expect([status, body]).toMatchObject([401, { errcode: 'M_UNKNOWN_TOKEN', soft_logout: false }]);
  });

  it('of a guest opens only what says so', async () => {
    const refused = await call('GET', 'whoami', bearer('guest'));
    expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
    expect(await call('GET', 'public', bearer('guest'))).toMatchObject({ status: 200, body: { guest: true } });
  });

  it('of a guest opens all of a class that says so, but what says otherwise', async () => {
    expect(await call('GET', 'lobby', bearer('guest'))).toMatchObject({ status: 200 });
    expect(await call('GET', 'lobby')).toMatchObject({ status: 401, body: { errcode: 'M_MISSING_TOKEN' } });
    const refused = await call('GET', 'vault', bearer('guest'));
    expect(refused).toMatchObject({ status: 403, body: { errcode: 'M_GUEST_ACCESS_FORBIDDEN' } });
  });
});

describe('a rate limit', () => {
  afterEach(() => {
    limiter.decision = { allowed: true, retryAfterMs: 0 };
    limiter.asked.length = 0;
  });

  it('counts per user, or per address of who has not logged in', async () => {
    await call('POST', 'send', bearer('alice'));
    await call('POST', 'login');
    expect(limiter.asked).toEqual(['message @alice:one.test', 'login 127.0.0.1']);
  });

  it('counts per user wherever it stands beside Authenticated', async () => {
    await call('POST', 'knock', bearer('alice'));
    await call('POST', 'ring', bearer('alice'));
    expect(limiter.asked).toEqual(['message @alice:one.test', 'message @alice:one.test']);
  });

  it('is M_INVALID_PARAM for what would never be allowed', async () => {
    limiter.decision = { allowed: false, retryAfterMs: Infinity };
    const { status, body } = await call('POST', 'send', bearer('alice'));
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM']);
  });

  it('is M_LIMIT_EXCEEDED once it is used up, and says when to come back', async () => {
    limiter.decision = { allowed: false, retryAfterMs: 2_345 };
    const { status, body, headers } = await call('POST', 'send', bearer('alice'));
    expect(status).toBe(429);
    expect(body).toEqual({ errcode: 'M_LIMIT_EXCEEDED', error: expect.any(String), retry_after_ms: 2_345 });
    expect(headers).toMatchObject({ 'retry-after': '3', 'access-control-allow-origin': '*' });
  });

  it('is not used up by those who are not let in', async () => {
    await call('POST', 'send');
    await call('POST', 'send', bearer('stolen'));
    expect(limiter.asked).toEqual([]);
  });
});
