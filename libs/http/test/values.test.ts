import { z } from 'zod';
import { parseBody } from '../src/parse.js';
import {
  deviceId,
  eventId,
  jsonObject,
  orAbsent,
  orElse,
  roomAlias,
  roomId,
  serverName,
  text,
  userId,
} from '../src/values.js';

const UNSTORABLE = 'must not hold U+0000 or half a character';

/** What is answered to a value in a body, in words; undefined when it is taken. */
function refusalOf(schema: z.ZodType, value: unknown): string | undefined {
  try {
    parseBody(z.object({ it: schema }), { it: value });
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe.each([
  ['a user id', userId, '@alice:one.test', 'alice'],
  ['a room id', roomId, '!room:one.test', 'room'],
  ['a room alias', roomAlias, '#room:one.test', '#room'],
  ['an event id', eventId, '$abc:one.test', 'abc'],
  ['a device id', deviceId, 'PHONE', ''],
  ['a server name', serverName, 'one.test:8448', 'one test'],
])('%s', (name, schema, good, bad) => {
  it('is taken, and nothing else is', () => {
    expect(refusalOf(schema, good)).toBeUndefined();
    expect(refusalOf(schema, bad)).toBe(`it: is not ${name}`);
    expect(refusalOf(schema, undefined)).toBe('it is required');
  });

  it.each(['\0', '\ud800'])('cannot hold what no database keeps: %j', (part) => {
    expect(refusalOf(schema, `${good}${part}`)).toBe(`it: ${UNSTORABLE}`);
  });
});

it('a text is anything that can be kept', () => {
  expect(refusalOf(text, '🦊\u0001')).toBeUndefined();
  expect(refusalOf(text, 'a\0')).toBe(`it: ${UNSTORABLE}`);
});

it.each([[[]], ['{}'], [null]])('a JSON object is not %j', (value) => {
  expect(refusalOf(jsonObject, value)).toBe('it: must be a JSON object');
});

it('what is null is as if it were not set', () => {
  const schema = z.object({ a: orAbsent(z.string()), b: orElse(z.string(), 'b') });
  expect(parseBody(schema, { a: null, b: null })).toEqual({ b: 'b' });
  expect(parseBody(schema, {})).toEqual({ b: 'b' });
});
