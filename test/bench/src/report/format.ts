const absent = '–';

/** A figure with about three digits that mean something. */
export function figure(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return absent;
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function megabytes(bytes: number | undefined): string {
  return bytes === undefined || bytes === 0 ? absent : `${figure(bytes / 1e6)} MB`;
}

export function percent(share: number | undefined): string {
  return share === undefined ? absent : `${figure(share * 100)} %`;
}

export function times(ratio: number | undefined): string {
  return ratio === undefined ? absent : `${figure(ratio)}×`;
}
