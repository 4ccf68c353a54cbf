import {
  authorizeRequest,
  canonicalJsonString,
  generateSigningKey,
  InvalidXMatrixError,
  isAuthorizedRequest,
  type JsonValue,
  MAX_JSON_NESTING,
  parseJson,
  parseXMatrix,
  ready,
  type SignedRequest,
  type SigningKey,
} from '../../src/index.js';

let key: SigningKey;
beforeAll(async () => {
  await ready();
  key = generateSigningKey('a_1');
});

const request = {
  method: 'PUT',
  uri: '/_matrix/federation/v1/send/1?a=%C3%A9',
  origin: 'one.example',
  destination: '[2001:db8::1]:8448',
  content: { pdus: [] },
};

describe('the header', () => {
  const parsed = { origin: 'one.example', destination: 'two.example:8448', key: 'ed25519:a_1', signature: 'ab+/c' };

  it.each([
    ['as we write it', 'X-Matrix origin="one.example",destination="two.example:8448",key="ed25519:a_1",sig="ab+/c"'],
    ['in any order', 'X-Matrix sig="ab+/c",key="ed25519:a_1",destination="two.example:8448",origin="one.example"'],
    ['with bare values', 'X-Matrix origin=one.example,destination=two.example:8448,key=ed25519:a_1,sig=ab+/c'],
    ['with blanks', 'X-Matrix  origin="one.example" ,\tdestination="two.example:8448" , key="ed25519:a_1",sig="ab+/c"'],
    [
      'in any case, with escapes and unknown parameters',
      'x-matrix Origin="one\\.example",DESTINATION="two.example:8448",kEy="ed25519:a_1",Sig="ab+/c",new="a\\"b,c=d"',
    ],
  ])('is read %s', (_, header) => {
    expect(parseXMatrix(header)).toEqual(parsed);
  });

  it('of an older server names no destination', () => {
    expect(parseXMatrix('X-Matrix origin=one.example,key="ed25519:1",sig="ab=="')).toEqual({
      ...{ origin: 'one.example', key: 'ed25519:1', signature: 'ab==' },
    });
  });

  it.each([
    'Bearer abc',
    'X-Matrix',
    'X-Matrix ',
    'X-Matrix origin="one.example"',
    'X-Matrix origin="not a name",key="ed25519:1",sig="ab"',
    'X-Matrix origin="one.example",key="ed25519:1",sig=""',
    'X-Matrix origin="one.example",key="ed25519:1",sig="ab',
    'X-Matrix origin="one.example" key="ed25519:1" sig="ab"',
    'X-Matrix origin="one.example",origin="two.example",key="ed25519:1",sig="ab"',
    `X-Matrix origin="one.example",key="ed25519:1",sig="ab",x="${'\\"'.repeat(3_000)}"`,
  ])('of another form is refused (%#)', (header) => {
    expect(() => parseXMatrix(header)).toThrow(InvalidXMatrixError);
  });
});

describe('a signed request', () => {
  const check = (changed: Partial<SignedRequest>, signed: typeof request = request) =>
    isAuthorizedRequest({ ...signed, ...changed }, parseXMatrix(authorizeRequest(signed, key)), key.publicKey);

  it('is known by its signature', () => {
    expect(check({})).toBe(true);
  });

  it.each([
    { method: 'POST' },
    { uri: '/_matrix/federation/v1/send/2?a=%C3%A9' },
    { destination: 'three.example' },
    { destination: undefined },
    { content: { pdus: [1] } },
    { content: undefined },
  ])('is another one with %j', (changed) => {
    expect(check(changed)).toBe(false);
  });

  it('is not that of another key', () => {
    const header = parseXMatrix(authorizeRequest(request, generateSigningKey('a_1')));
    expect(isAuthorizedRequest(request, header, key.publicKey)).toBe(false);
  });

  it('may hold an event that is as deep as events may be', () => {
    const deep = parseJson('['.repeat(MAX_JSON_NESTING) + ']'.repeat(MAX_JSON_NESTING));
    expect(() => authorizeRequest({ ...request, content: { pdus: [deep] } } as never, key)).not.toThrow();
  });

  it('may hold numbers that newer rooms refuse', () => {
    const content = parseJson('{"pdus":[{"content":{"a":1.0,"b":12345678901234567890}}]}');
    const header = parseXMatrix(authorizeRequest({ ...request, content } as never, key));
    expect(isAuthorizedRequest({ ...request, content }, header, key.publicKey)).toBe(true);
  });
});

describe('a body as it came', () => {
  const content = { pdus: [], edus: [{ edu_type: 'a', content: { b: 'é' } }], origin_server_ts: 5 };
  const signed = { method: 'PUT', uri: '/send/1', origin: 'a.test', destination: 'b.test', content };
  const isAuthorized = (contentText: string, received: JsonValue = JSON.parse(contentText)) => {
    const header = parseXMatrix(authorizeRequest(signed, key));
    return isAuthorizedRequest({ ...signed, content: received, contentText }, header, key.publicKey);
  };

  it('is signed in whatever form it is written', () => {
    expect(isAuthorized(canonicalJsonString(content))).toBe(true);
    expect(isAuthorized(JSON.stringify(content, undefined, 2))).toBe(true);
  });

  it('is not signed when it says something else', () => {
    expect(isAuthorized(JSON.stringify({ ...content, origin_server_ts: 6 }))).toBe(false);
    expect(isAuthorized('{}')).toBe(false);
  });
});
