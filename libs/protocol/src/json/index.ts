export {
  CanonicalJsonError,
  type CanonicalJsonOptions,
  canonicalJsonString,
  compareCodePoints,
  encodeCanonicalJson,
  MAX_ENVELOPE_NESTING,
  MAX_JSON_NESTING,
} from './canonical-json.js';
export { exactJson, type JsonCodec, jsonCodec } from './json-codec.js';
export * from './json-value.js';
export { JsonSyntaxError, parseJson } from './parse-json.js';
