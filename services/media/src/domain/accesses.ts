/** What was used lately, told to the store now and then: a download writes nothing. */
export class Accesses {
  #used = new Set<number>();

  constructor(private readonly store: { touch(fileNids: readonly number[]): Promise<void> }) {}

  note(fileNid: number): void {
    this.#used.add(fileNid);
  }

  async flush(): Promise<void> {
    if (this.#used.size === 0) return;
    const used = [...this.#used];
    this.#used = new Set();
    await this.store.touch(used);
  }
}
