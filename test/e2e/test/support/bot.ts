import { PASSWORD } from '@ganglion/testing';
import { jest } from '@jest/globals';
import type { IStorageProvider, MatrixClient } from '@vector-im/matrix-bot-sdk';

// Encryption is native code that is fetched when the package is installed, which these tests do without.
jest.mock('@matrix-org/matrix-sdk-crypto-nodejs', () => ({}), { virtual: true });
export const sdk = await import('@vector-im/matrix-bot-sdk');

/** A bot that is built on the matrix-bot-sdk. */
export class Bot {
  private constructor(
    readonly client: MatrixClient,
    readonly userId: string,
    private readonly url: string,
    private readonly storage: IStorageProvider,
  ) {}

  static async register(url: string, username: string): Promise<Bot> {
    const client = await new sdk.MatrixAuth(url).passwordRegister(username, PASSWORD);
    return Bot.#on(url, client.accessToken, new sdk.MemoryStorageProvider());
  }

  static async #on(url: string, accessToken: string, storage: IStorageProvider): Promise<Bot> {
    const client = new sdk.MatrixClient(url, accessToken, storage);
    return new Bot(client, await client.getUserId(), url, storage);
  }

  /** The same bot after a restart: it knows how far it had read. */
  restarted(): Promise<Bot> {
    return Bot.#on(this.url, this.client.accessToken, this.storage);
  }
}
