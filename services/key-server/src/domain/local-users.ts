/** The users of this deployment, which may have many server names. */
export class LocalUsers {
  readonly #names: ReadonlySet<string>;

  constructor(serverNames: readonly string[]) {
    this.#names = new Set(serverNames);
  }

  has(userId: string): boolean {
    return this.#names.has(userId.slice(userId.indexOf(':') + 1));
  }

  /** What is asked of users, of ours and of others. */
  split<T>(ofUsers: Iterable<readonly [string, T]>): {
    readonly ours: Map<string, T>;
    readonly others: Map<string, T>;
  } {
    const ours = new Map<string, T>();
    const others = new Map<string, T>();
    for (const [userId, asked] of ofUsers) (this.has(userId) ? ours : others).set(userId, asked);
    return { ours, others };
  }
}
