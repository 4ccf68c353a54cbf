/** May stand for half a pair of surrogates, or for a number beyond the range of a double. */
const SUSPICIOUS = /\\u[dD][89a-fA-F]|\d[eE]\+?\d{2}|\d{300}/;

/**
 * What JSON can say and nothing here could keep or pass on as it is: text that has no UTF-8, numbers that become infinite.
 *
 * @param json the text that the value was parsed from: most show at a glance that there is no need to look closely
 * @returns what is wrong, in words; undefined for what can be kept
 */
export function unstorablePart(value: unknown, json: string): string | undefined {
  return SUSPICIOUS.test(json) ? find(value) : undefined;
}

/** Nesting is limited before. */
function find(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'a surrogate that is not one of a pair';
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'a number beyond all bounds';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const found = find(key) ?? find(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}
