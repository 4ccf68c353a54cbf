import { isTemporary, MatrixUser, persistently, type Refusal } from '@ganglion/testing';
import type { WayIn } from './way-in.ts';

/** How long somebody waits for an answer before they ask again; for as much longer as they asked the server to wait. */
const PATIENCE_MS = 5_000;

/** What went wrong before it went well, and how often. */
export class Troubles {
  readonly counts = new Map<string, number>();
  /** What no retry cures. */
  readonly incurable: string[] = [];

  add(what: string, error: unknown): void {
    const { status, code, name, message } = error as Partial<Refusal> & NodeJS.ErrnoException;
    if (!isTemporary(error)) this.incurable.push(`${what}: ${message}`);
    const kind = `${what} ${status ?? (name === 'TimeoutError' ? name : (code ?? name))}`;
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }
}

type Given = Parameters<MatrixUser['call']>;

/** A user whose requests go to where the Ingress leads them. */
export class Person extends MatrixUser {
  readonly #wayIn: WayIn;
  readonly #troubles: Troubles;

  constructor(user: MatrixUser, wayIn: WayIn, troubles: Troubles) {
    super(user);
    this.#wayIn = wayIn;
    this.#troubles = troubles;
  }

  static async join(wayIn: WayIn, name: string, troubles: Troubles): Promise<Person> {
    const url = wayIn.urlFor('/_matrix/client/v3/register');
    return new Person(await persistently(() => MatrixUser.register(url, name)), wayIn, troubles);
  }

  override async call<T>(...[method, path, options = {}]: Given): Promise<T> {
    const patience = AbortSignal.timeout(PATIENCE_MS + Number(options.query?.timeout ?? 0));
    const signal = options.signal ? AbortSignal.any([patience, options.signal]) : patience;
    const user = this.at(this.#wayIn.urlFor(`/_matrix/client/v3/${path}`));
    try {
      return await user.call<T>(method, path, { ...options, signal });
    } catch (error) {
      if (!options.signal?.aborted)
        this.#troubles.add(`${method} ${path.split('/').at(path.startsWith('rooms/') ? 2 : 0)}`, error);
      throw error;
    }
  }
}
