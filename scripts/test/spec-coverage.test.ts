import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../launcher/paths.mjs';
import { handlersOf } from '../spec-coverage/handlers.mjs';
import { coverage, MISSING, pageOf, staleRows } from '../spec-coverage/page.mjs';
import { fits, mentionsIn } from '../spec-coverage/proofs.mjs';

const operations = coverage(ROOT);
const of = (some: typeof operations) => some.map(({ method, path }) => `${method} ${path}`);

describe('of the specification', () => {
  it('every operation is answered, or it is said why not', () => {
    const unanswered = operations.filter(({ id, handler }) => (handler === undefined) !== MISSING.has(id));
    expect(of(unanswered)).toEqual([]);
    expect(operations.length).toBeGreaterThan(200);
  });

  it('every operation that is answered has a test', () => {
    expect(of(operations.filter(({ handler, proof }) => handler && !proof))).toEqual([]);
  });

  it('every handler carries the link of what it answers, by which it is found', () => {
    expect(of(operations.filter(({ handler }) => handler?.links.length === 0))).toEqual([]);
  });

  it('docs/spec-coverage.md says what is so: `npm run spec-coverage` writes it anew', () => {
    const page = readFileSync(join(ROOT, 'docs/spec-coverage.md'), 'utf8');
    expect(staleRows(page, operations, ROOT)).toEqual([]);
  });

  it('a page is wrong that names a handler or a test that there is not, or leaves an operation out', () => {
    const page = pageOf(operations);
    expect(staleRows(page, operations, ROOT)).toEqual([]);
    expect(staleRows(page.replace('[whoami]', '[x]').replace('[getTokenOwner]', '[x]'), operations, ROOT)).toEqual([
      'GET /_matrix/client/v3/account/whoami',
    ]);
    const lost = page.replace('[needs the password and the e-mail, and happens once](', '[never was](');
    expect(staleRows(lost, operations, ROOT)).toHaveLength(1);
    const shorter = page.split('\n').filter((line) => !line.includes('`GET /_matrix/client/v3/sync`'));
    expect(staleRows(shorter.join('\n'), operations, ROOT)).toHaveLength(2);
  });
});

describe('a controller', () => {
  it('is read as Nest reads it: several paths, constants, and none that it does not name itself', () => {
    const source = `
      const HERE = '_matrix/client/v3/here';
      @Controller([HERE, 'there'])
      export class Some {
  /** Says. @see https://spec.matrix.org/v1.19/x/#get */
  @Get(['one/:id', 'two'])
  @HttpCode(200)
  async getOne() {}

  @Post(elsewhere())
  post() {}
      }`;
    const found = handlersOf(source, 'some.ts').map(({ method, path, name, links }) => [
      method,
      path,
      name,
      links.length,
    ]);
    expect(found).toEqual([
      ['GET', '/_matrix/client/v3/here/one/:id', 'getOne', 1],
      ['GET', '/_matrix/client/v3/here/two', 'getOne', 1],
      ['GET', '/there/one/:id', 'getOne', 1],
      ['GET', '/there/two', 'getOne', 1],
    ]);
  });
});

describe('a test', () => {
  const source = `
    const V3 = '/_matrix/client/v3';
    it('shows who is there', async () => {
      await http.get(\`\${V3}/rooms/\${roomId}/members?at=x\`);
      await alice.must('PUT', \`\${inRoom(roomId)}/state/\${type}\`);
    });`;
  const mentions = mentionsIn(source, 'some.test.ts');
  const provenBy = (method: string, words: string) =>
    mentions.find((mention) => fits(mention, method, words.split(' ')))?.test;

  it('proves what it asks for', () => {
    expect(provenBy('GET', 'rooms {roomId} members')).toBe('shows who is there');
    expect(provenBy('PUT', 'rooms {roomId} state {eventType}')).toBe('shows who is there');
  });

  it('proves nothing else', () => {
    expect(provenBy('POST', 'rooms {roomId} members')).toBeUndefined();
    expect(provenBy('GET', 'rooms {roomId} joined_members')).toBeUndefined();
    expect(provenBy('GET', 'rooms {roomId} members {x}')).toBeUndefined();
  });
});
