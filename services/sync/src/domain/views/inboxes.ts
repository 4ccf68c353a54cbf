interface Range {
  /** Of a message that may wait. */
  first: number;
  last: number;
}

/** Which devices of a user have messages waiting, as far as one replica knows: another one may have seen them delivered. */
export class Inboxes {
  readonly #devices = new Map<string, Range>();
  /** The highest position of a message. */
  reached = 0;

  /** Messages of a device wait between these positions. */
  add(deviceId: string, first: number, last = first): void {
    this.reached = Math.max(this.reached, last);
    const known = this.#devices.get(deviceId);
    if (known === undefined) this.#devices.set(deviceId, { first, last });
    else Object.assign(known, { first: Math.min(known.first, first), last: Math.max(known.last, last) });
  }

  /** Whether any may wait above a position. */
  hasAbove(deviceId: string, position: number): boolean {
    return (this.#devices.get(deviceId)?.last ?? 0) > position;
  }

  /** Whether any may wait up to a position. */
  hasUpTo(deviceId: string, position: number): boolean {
    return (this.#devices.get(deviceId)?.first ?? Number.POSITIVE_INFINITY) <= position;
  }

  /** None waits any more up to a position. */
  forget(deviceId: string, upTo: number): void {
    const known = this.#devices.get(deviceId);
    if (known === undefined) return;
    if (known.last <= upTo) this.#devices.delete(deviceId);
    else known.first = Math.max(known.first, upTo + 1);
  }
}
