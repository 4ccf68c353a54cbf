import type { ByteStore } from './ports/byte-store.js';
import type { FileStore, LooseKeys } from './ports/file-store.js';

const AT_ONCE = 100;

/** Removes the bytes that belong to no file: what a crash left behind, what was given up, and what was deleted. */
export class Sweeper {
  constructor(
    private readonly bytes: ByteStore,
    private readonly loose: LooseKeys,
    private readonly files: FileStore,
  ) {}

  /** Any number of replicas may do it at once. */
  async sweep(): Promise<void> {
    await this.files.forgetUnused();
    for (;;) {
      const keys = await this.loose.condemn(AT_ONCE);
      const removals = await Promise.allSettled(keys.map((key) => this.bytes.remove(key)));
      await this.loose.forget(keys.filter((_, index) => removals[index]?.status === 'fulfilled'));
      const failure = removals.find((removal) => removal.status === 'rejected');
      if (failure) throw failure.reason;
      if (keys.length < AT_ONCE) return;
    }
  }
}
