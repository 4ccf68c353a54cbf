/** A 32-bit hash that is the same in every process (FNV-1a, then mixed so that every bit counts). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return mix(value);
}

/**
 * How much a node wants a key. Every process gives the same answer, and when a node goes away only its own keys move,
 * spread evenly over the others (highest random weight, Thaler and Ravishankar).
 */
export function weight(keyHash: number, nodeHash: number): number {
  return mix(keyHash ^ nodeHash);
}

function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
