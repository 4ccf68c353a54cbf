import fc from 'fast-check';
import { parsePropertyPath, valueAtPath } from '../../src/filter/property-path.js';
import { applyEventFields, compileEventFields, type JsonObject } from '../../src/index.js';

describe('dot-separated property paths', () => {
  it.each([
    ['content.body', ['content', 'body']],
    ['type', ['type']],
    ['content.m\\.relates_to', ['content', 'm.relates_to']],
    ['content.m\\\\foo', ['content', 'm\\foo']],
    ['content.m\\x', ['content', 'm\\x']],
    ['content.m\\\\.x', ['content', 'm\\', 'x']],
    ['a\\\\\\.b', ['a\\.b']],
    ['trailing\\', ['trailing\\']],
    ['', ['']],
    ['.', ['', '']],
    ['a..b', ['a', '', 'b']],
  ])('%s', (path, names) => {
    expect(parsePropertyPath(path)).toEqual(names);
  });

  it('can name any property, once dots and backslashes are escaped', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), (names) => {
        const path = names.map((name) => name.replace(/[.\\]/g, '\\$&')).join('.');
        expect(parsePropertyPath(path)).toEqual(names);
      }),
    );
  });

  it.each([
    [['content', 'body'], 'hi'],
    [['content', 'none'], undefined],
    [['content', 'body', 'length'], undefined],
    [['content', 'list', '0'], undefined],
    [['content', 'nothing'], null],
    [['content', 'nothing', 'x'], undefined],
    [['constructor'], undefined],
    [['__proto__'], undefined],
    [[], { content: { body: 'hi', list: ['x'], nothing: null } }],
  ])('the value at %j', (names, expected) => {
    expect(valueAtPath({ content: { body: 'hi', list: ['x'], nothing: null } }, names)).toEqual(expected);
  });
});

describe('event_fields', () => {
  const event: JsonObject = {
    type: 'm.room.message',
    sender: '@alice:example.org',
    content: { body: 'hi', msgtype: 'm.text', 'm.relates_to': { event_id: '$a', rel_type: 'm.thread' }, list: [1, 2] },
    unsigned: { age: 7 },
  };
  it.each<[string, string[], unknown]>([
    ['nothing', [], {}],
    ['a property', ['type'], { type: 'm.room.message' }],
    ['a whole object', ['unsigned'], { unsigned: { age: 7 } }],
    ['a property of an object', ['content.body'], { content: { body: 'hi' } }],
    [
      'several of one object',
      ['content.body', 'content.msgtype', 'sender'],
      { content: { body: 'hi', msgtype: 'm.text' }, sender: '@alice:example.org' },
    ],
    [
      'a name with dots',
      ['content.m\\.relates_to.rel_type'],
      { content: { 'm.relates_to': { rel_type: 'm.thread' } } },
    ],
    ['an object and a part of it', ['unsigned', 'unsigned.age'], { unsigned: { age: 7 } }],
    ['a part of an object and all of it', ['unsigned.age', 'unsigned'], { unsigned: { age: 7 } }],
    ['what is not there', ['content.none', 'none', 'none.at.all'], { content: {} }],
    ['a path through what is not an object', ['type.length', 'content.list.0'], { content: {} }],
    ['names that every object inherits', ['constructor', '__proto__.x', 'content.toString'], { content: {} }],
  ])('%s', (_name, fields, expected) => {
    expect(applyEventFields(event, compileEventFields(fields))).toEqual(expected);
  });

  it('keeps a property called __proto__ a plain property', () => {
    const hostile = JSON.parse('{"content":{"__proto__":{"admin":true}}}') as JsonObject;
    const kept = applyEventFields(hostile, compileEventFields(['content.__proto__.admin']));
    expect(JSON.stringify(kept)).toBe('{"content":{"__proto__":{"admin":true}}}');
    expect((kept.content as { admin?: boolean }).admin).toBeUndefined();
  });

  it('does not fall over paths and events of any depth', () => {
    let deep: JsonObject = { a: 1 };
    for (let depth = 0; depth < 50_000; depth++) deep = { a: deep };
    const kept = applyEventFields(deep, compileEventFields(['a.'.repeat(50_000)]));
    expect(Object.keys(kept)).toEqual(['a']);
  });

  it('leaves the event as it was', () => {
    const before = JSON.stringify(event);
    applyEventFields(event, compileEventFields(['content.body']));
    expect(JSON.stringify(event)).toBe(before);
  });
});
