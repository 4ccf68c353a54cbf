const OPAQUE = /^[0-9A-Za-z._~-]{1,255}$/;

/** True for an opaque identifier. @see https://spec.matrix.org/v1.19/appendices/#opaque-identifiers */
export function isOpaqueIdentifier(id: unknown): id is string {
  return typeof id === 'string' && OPAQUE.test(id);
}

const NAMESPACED = /^[a-z][a-z0-9._-]{0,254}$/;

/**
 * True for an identifier such as `m.room` or `com.example.thing`.
 *
 * @see https://spec.matrix.org/v1.19/appendices/#common-namespaced-identifier-grammar
 */
export function isNamespacedIdentifier(id: unknown): id is string {
  return typeof id === 'string' && NAMESPACED.test(id);
}
