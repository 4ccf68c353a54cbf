const DELAYS_MS = [10_000, 60_000, 300_000, 1_800_000];
/** Servers, and users of each: the others are asked for when somebody wants them. */
const MOST = 1_000;

export interface AskingAgainDependencies {
  /** Whether a server has answered of some users. */
  readonly ask: (serverName: string, userIds: readonly string[]) => Promise<boolean>;
  readonly logger: { warn(fields: object, message: string): void };
  /** How long after each failure it is asked again, in milliseconds; then no more. */
  readonly delaysMs?: readonly number[] | undefined;
}

/** Asks servers again that could not be asked, each less and less often: whoever comes next need not wait for them. */
export class AskingAgain {
  readonly #waiting = new Map<string, { readonly userIds: Set<string>; timer: NodeJS.Timeout }>();

  constructor(private readonly deps: AskingAgainDependencies) {}

  add(serverName: string, userIds: readonly string[]): void {
    const waiting = this.#waiting.get(serverName);
    if (waiting === undefined) this.#wait(serverName, new Set(userIds.slice(0, MOST)), 0);
    else for (const userId of userIds) if (waiting.userIds.size < MOST) waiting.userIds.add(userId);
  }

  stop(): void {
    for (const { timer } of this.#waiting.values()) clearTimeout(timer);
    this.#waiting.clear();
  }

  #wait(serverName: string, userIds: Set<string>, attempt: number): void {
    const delay = (this.deps.delaysMs ?? DELAYS_MS)[attempt];
    if (delay === undefined || (this.#waiting.size >= MOST && !this.#waiting.has(serverName))) {
      this.#waiting.delete(serverName);
      return;
    }
    const timer = setTimeout(() => void this.#ask(serverName, userIds, attempt), delay).unref();
    this.#waiting.set(serverName, { userIds, timer });
  }

  async #ask(serverName: string, userIds: Set<string>, attempt: number): Promise<void> {
    try {
      const hasAnswered = await this.deps.ask(serverName, [...userIds]);
      if (!this.#waiting.has(serverName)) return;
      if (hasAnswered) this.#waiting.delete(serverName);
      else this.#wait(serverName, userIds, attempt + 1);
    } catch (err) {
      this.#waiting.delete(serverName);
      this.deps.logger.warn({ err, server: serverName }, 'devices of users of a server could not be asked for again');
    }
  }
}
