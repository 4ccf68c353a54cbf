/** Control characters, and marks that turn the direction of what follows, such as to hide an extension. */
const INVISIBLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const SEPARATORS = /[/\\]/g;

/**
 * The name of an uploaded file as it may be shown and saved by others: whatever it was, it is one name in one folder that reads
 * as it is. Undefined when nothing is left of it.
 */
export function uploadName(given: string | undefined): string | undefined {
  const name = given?.toWellFormed().replace(INVISIBLE, '').replace(SEPARATORS, '_').trim();
  return name === '' || name === '.' || name === '..' ? undefined : name;
}
