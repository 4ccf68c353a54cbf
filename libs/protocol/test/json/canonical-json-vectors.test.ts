import { canonicalJsonString, encodeCanonicalJson, type JsonValue } from '../../src/index.js';

/** The examples of https://spec.matrix.org/v1.19/appendices/#canonical-json, in their order. */
const VECTORS: readonly (readonly [title: string, given: string, canonical: string])[] = [
  ['an empty object', '{}', '{}'],
  ['no white space', '{\n    "one": 1,\n    "two": "Two"\n}', '{"one":1,"two":"Two"}'],
  ['sorted keys', '{\n    "b": "2",\n    "a": "1"\n}', '{"a":"1","b":"2"}'],
  ['sorted keys of compact JSON', '{"b":"2","a":"1"}', '{"a":"1","b":"2"}'],
  [
    'nested objects',
    `{
    "auth": {
        "success": true,
        "mxid": "@john.doe:example.com",
        "profile": {
            "display_name": "John Doe",
            "three_pids": [
                {
                    "medium": "email",
                    "address": "john.doe@example.org"
                },
                {
                    "medium": "msisdn",
                    "address": "123456789"
                }
            ]
        }
    }
}`,
    '{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","three_pids":[{"address":"john.doe@example.org","medium":"email"},{"address":"123456789","medium":"msisdn"}]},"success":true}}',
  ],
  ['text outside of ASCII', '{\n    "a": "日本語"\n}', '{"a":"日本語"}'],
  ['keys outside of ASCII', '{\n    "本": 2,\n    "日": 1\n}', '{"日":1,"本":2}'],
  ['needless escapes', '{\n    "a": "\\u65E5"\n}', '{"a":"日"}'],
  ['null', '{\n    "a": null\n}', '{"a":null}'],
  ['numbers in their plain form', '{\n    "a": -0,\n    "b": 1e10\n}', '{"a":0,"b":10000000000}'],
];

describe('the canonical JSON examples of the appendices', () => {
  it.each(VECTORS)('%s', (_title, given, canonical) => {
    const value = JSON.parse(given) as JsonValue;

    expect(canonicalJsonString(value)).toBe(canonical);
    expect(new TextDecoder().decode(encodeCanonicalJson(value))).toBe(canonical);
  });
});
