/** A set of the small integers that an `AuthGraph` gives to events: one byte each, so that long walks stay cheap. */
export class NodeSet {
  private marks = new Uint8Array(1024);

  /** Adds a node; false when it was there before. */
  add(node: number): boolean {
    if (this.marks[node] === 1) return false;
    if (node >= this.marks.length) this.grow(node);
    this.marks[node] = 1;
    return true;
  }

  has(node: number): boolean {
    return this.marks[node] === 1;
  }

  copy(): NodeSet {
    const copy = new NodeSet();
    copy.marks = this.marks.slice();
    return copy;
  }

  private grow(node: number): void {
    const wider = new Uint8Array(2 * node);
    wider.set(this.marks);
    this.marks = wider;
  }
}
