import type { KeyAnswer, KeySource, KeyStore } from '../ports/keys.js';
import { atMostAtOnce } from './at-once.js';
import { satisfies, type WantedKeys } from './known-keys.js';

/** Servers that are asked at once. */
const AT_ONCE = 32;
/** Of more servers than these, notaries are asked first: each of those that are dead would cost its time. */
const MANY = 16;

/** Fetches keys: those of one server once, however many need them at the time. */
export class KeyFetches {
  readonly #running = new Map<string, Promise<void>>();
  /** How many have ended: whoever looked for keys meanwhile may have looked just before they were kept. */
  ended = 0;

  constructor(
    private readonly source: KeySource,
    private readonly store: KeyStore,
    private readonly notaries: readonly string[],
  ) {}

  /** Resolves when all that can be learnt now was kept. Never fails because of what others do or do not. */
  async fetch(wanted: readonly WantedKeys[]): Promise<void> {
    const fresh = wanted.filter(({ serverName }) => !this.#running.has(serverName));
    if (fresh.length > 0) {
      const run = this.#fetch(fresh).finally(() => {
        this.ended += 1;
        for (const { serverName } of fresh) this.#running.delete(serverName);
      });
      for (const { serverName } of fresh) this.#running.set(serverName, run);
    }
    await Promise.all(wanted.map(({ serverName }) => this.#running.get(serverName)));
  }

  async #fetch(wanted: readonly WantedKeys[]): Promise<void> {
    const left = new Map(wanted.map((each) => [each.serverName, each]));
    if (left.size > MANY) await this.#fromNotaries(left);
    const failed = await this.#fromServers(left);
    await this.#fromNotaries(left);
    await this.store.noteFailures(failed);
  }

  /** The servers that gave nothing. */
  async #fromServers(left: Map<string, WantedKeys>): Promise<string[]> {
    const failed: string[] = [];
    await atMostAtOnce([...left.keys()], AT_ONCE, async (serverName) => {
      const answer = await this.source.fromServer(serverName).catch(() => undefined);
      if (answer === undefined) failed.push(serverName);
      else await this.#keep(left, [answer]);
    });
    return failed;
  }

  async #fromNotaries(left: Map<string, WantedKeys>): Promise<void> {
    for (const notary of this.notaries) {
      if (left.size === 0) return;
      const wanted = [...left.values()].filter(({ serverName }) => serverName !== notary);
      const minimums = new Map(wanted.map((each) => [each.serverName, each.minimumValidUntilTs]));
      await this.#keep(left, await this.source.fromNotary(notary, minimums));
    }
  }

  async #keep(left: Map<string, WantedKeys>, answers: readonly KeyAnswer[]): Promise<void> {
    await this.store.save(answers);
    for (const { serverName, keys } of answers) {
      const wanted = left.get(serverName);
      if (wanted !== undefined && satisfies(keys, wanted)) left.delete(serverName);
    }
  }
}
