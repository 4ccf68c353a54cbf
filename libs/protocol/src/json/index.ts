export {
  CanonicalJsonError,
  type CanonicalJsonOptions,
  canonicalJsonString,
  compareCodePoints,
  encodeCanonicalJson,
  MAX_ENVELOPE_NESTING,
  MAX_JSON_NESTING,
} from './canonical-json.js';
export * from './json-value.js';
export * from './parse-json.js';
