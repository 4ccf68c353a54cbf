/**
 * How numbers were written, for those that a JavaScript number cannot tell apart or cannot hold: 1.0, 1e3, -0 and integers
 * beyond ±(2^53 - 1). Kept beside the parsed values, so that these stay plain JSON values for everyone else.
 */
const literals = new WeakMap<object, Map<string, string>>();

/** Notes how the number at `key` of an array or object was written. */
export function rememberNumberLiteral(container: object, key: string, literal: string): void {
  const known = literals.get(container);
  if (known) known.set(key, literal);
  else literals.set(container, new Map([[key, literal]]));
}

/** How the number at `key` was written, if that is not what its value says. */
export function numberLiteral(container: object, key: string): string | undefined {
  return literals.get(container)?.get(key);
}

/** Carries what is known of the numbers of `from` over to its shallow, partial copy. */
export function copyNumberLiterals<T extends object>(from: object, copy: T): T {
  const known = literals.get(from);
  if (known) literals.set(copy, known);
  return copy;
}
