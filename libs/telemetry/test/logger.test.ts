import { Socket } from 'node:net';
import { createLogger, redactUrl } from '../src/index.js';

function recorder() {
  const lines: string[] = [];
  const logger = createLogger({
    level: 'trace',
    bindings: { service: 'sync', instance: 'sync-0' },
    destination: { write: (line: string) => void lines.push(line) },
  });
  return { logger, last: () => JSON.parse(lines.at(-1) ?? '{}'), text: () => lines.join('') };
}

describe('a log line', () => {
  it('is one JSON object with level, time, service and instance', () => {
    const { logger, last } = recorder();
    logger.info({ room: '!r:hs', count: 2 }, 'hello');
    expect(last()).toMatchObject({ level: 'info', service: 'sync', instance: 'sync-0', room: '!r:hs', count: 2 });
    expect(last().msg).toBe('hello');
    expect(Date.parse(last().time)).not.toBeNaN();
  });

  it('keeps to its level', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'warn', destination: { write: (line: string) => void lines.push(line) } });
    logger.info('no');
    logger.warn('yes');
    expect(lines).toHaveLength(1);
  });

  it('describes an error by type, message, stack, code and cause, and by nothing else', () => {
    const { logger, last, text } = recorder();
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const error = Object.assign(new TypeError('broken', { cause }), {
      errcode: 'M_UNKNOWN',
      detail: 'Key (body)=(secret-row) already exists.',
      request: { headers: { authorization: 'secret-header' } },
    });
    logger.error({ err: error }, 'failed');
    expect(last().err).toMatchObject({ type: 'TypeError', message: 'broken', errcode: 'M_UNKNOWN' });
    expect(last().err.stack).toContain('logger.test.ts');
    expect(last().err.cause).toMatchObject({ message: 'refused', code: 'ECONNREFUSED' });
    logger.error(error);
    expect(last().err).toMatchObject({ type: 'TypeError' });
    expect(text()).not.toContain('secret');
  });

  it('survives what cannot be written as it is', () => {
    const { logger, last } = recorder();
    const cycle: Record<string, unknown> = { big: 1n, bytes: new Uint8Array(3), many: Array.from({ length: 99 }) };
    cycle.self = cycle;
    logger.info(cycle, 'odd');
    expect(last()).toMatchObject({ big: '1', bytes: '[3 bytes]', msg: 'odd' });
    expect(last().many).toHaveLength(50);
    logger.info({ socket: new Socket(), map: new Map([['password', 'x']]), when: new Date(0) }, 'instances');
    expect(last()).toMatchObject({ socket: '[Socket]', map: '[Map]', when: '1970-01-01T00:00:00.000Z' });
  });

  it('describes a request and its response by method, masked url and status', () => {
    const { logger, last } = recorder();
    const req = { method: 'GET', url: '/sync?access_token=S3CRET', headers: { authorization: 'S3CRET' } };
    logger.child({ reqId: 'r1' }).info({ req, res: { statusCode: 200, body: 'S3CRET' } }, 'request');
    expect(last()).toMatchObject({ reqId: 'r1', req: { method: 'GET', url: '/sync?access_token=[redacted]' } });
    expect(last().res).toEqual({ status: 200 });
    expect(JSON.stringify(last())).not.toContain('S3CRET');
  });

  it('tells numbers even under the name of a secret', () => {
    const { logger, last } = recorder();
    logger.info({ events: 12, token: true, messages: ['hello'] }, 'counted');
    expect(last()).toMatchObject({ events: 12, token: true, messages: '[redacted]' });
  });
});

describe('what must not be logged', () => {
  const secret = 'S3CRET';
  const attempts: [string, (logger: ReturnType<typeof recorder>['logger']) => void][] = [
    ['a token', (logger) => logger.info({ access_token: secret }, 'x')],
    ['a token in camel case', (logger) => logger.info({ refreshToken: secret }, 'x')],
    ['a password deep inside', (logger) => logger.info({ a: { b: [{ c: { password: secret } }] } }, 'x')],
    ['a header', (logger) => logger.info({ req: { headers: { Authorization: `Bearer ${secret}` } } }, 'x')],
    ['a bearer token in text', (logger) => logger.info(`curl -H "Authorization: Bearer ${secret}" x`)],
    ['a token in a url', (logger) => logger.info({ url: `/sync?since=1&access_token=${secret}&a=b` }, 'x')],
    ['a token in an error', (logger) => logger.error(new Error(`GET /x?access_token=${secret} failed`))],
    ['an event', (logger) => logger.info({ event: { content: { body: secret } } }, 'x')],
    ['the content of an event', (logger) => logger.info({ content: { body: secret } }, 'x')],
    ['a request body', (logger) => logger.info({ req: { body: secret } }, 'x')],
    ['the values of a statement', (logger) => logger.info({ statement: { text: 'SELECT $1', values: [secret] } }, 'x')],
    ['the binding of a child', (logger) => logger.child({ access_token: secret }).info('x')],
    [
      'a deep binding of a grandchild',
      (logger) =>
        logger
          .child({ a: 1 })
          .child({ b: { content: secret } })
          .info('x'),
    ],
    ['a password in a database url', (logger) => logger.info(`connecting to postgres://me:${secret}@host/db`)],
    ['a formatted argument', (logger) => logger.info('called %s', `/x?access_token=${secret}`)],
    ['a formatted object', (logger) => logger.info('called %j', { password: secret })],
  ];

  it.each(attempts)('%s', (_, log) => {
    const { logger, text } = recorder();
    log(logger);
    expect(text()).not.toBe('');
    expect(text()).not.toContain(secret);
  });
});

describe('redactUrl', () => {
  it('masks the values of secret parameters only', () => {
    expect(redactUrl('/_matrix/client/v3/sync?access_token=abc&since=s1')).toBe(
      '/_matrix/client/v3/sync?access_token=[redacted]&since=s1',
    );
    expect(redactUrl('/login/sso?redirectUrl=a&loginToken=abc#x')).toBe(
      '/login/sso?redirectUrl=a&loginToken=[redacted]#x',
    );
    expect(redactUrl('/sync?ACCESS_TOKEN=abc')).toBe('/sync?ACCESS_TOKEN=[redacted]');
    expect(redactUrl('/sync?access%5Ftoken=abc&since=1')).toBe('/sync?access%5Ftoken=[redacted]&since=1');
    expect(redactUrl('/sync?since=s1')).toBe('/sync?since=s1');
  });
});
