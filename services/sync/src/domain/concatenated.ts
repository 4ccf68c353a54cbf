/** Parts with commas between them, put together by appending alone: nothing is copied until the whole is written. */
export function concatenated(parts: readonly string[]): string {
  let whole = '';
  let isFirst = true;
  for (const part of parts) {
    whole += isFirst ? part : `,${part}`;
    isFirst = false;
  }
  return whole;
}
