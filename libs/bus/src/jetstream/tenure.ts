import type { Begun, Claim, Claims, Position } from './claims.js';

/** The time for which this process has the claim to a shard. Its writes go one after the other. */
export class Tenure {
  readonly #claims: Claims;
  readonly #shard: number;
  readonly #owner: string;
  #version: number;
  #losses: number;
  #begun: Begun | undefined;
  #saved: Position | undefined;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(claims: Claims, shard: number, owner: string, claim: Claim, version: number) {
    this.#claims = claims;
    this.#shard = shard;
    this.#owner = owner;
    this.#version = version;
    this.#losses = claim.losses;
    this.#begun = claim.begun;
    this.#saved = claim.position;
  }

  /** @returns undefined when the shard belongs to somebody else who is not gone, or somebody else was faster */
  static async begin(
    claims: Claims,
    shard: number,
    owner: string,
    isGone: (member: string) => boolean,
  ): Promise<Tenure | undefined> {
    const before = await claims.read(shard);
    const lost = before.owner !== undefined && before.owner !== owner;
    if (lost && !isGone(before.owner)) return undefined;
    const { position, begun } = before;
    const claim: Claim = { owner, position, losses: lost ? before.losses + 1 : 0, begun: lost ? begun : undefined };
    const version = await claims.write(shard, claim, before.version);
    return version === undefined ? undefined : new Tenure(claims, shard, owner, claim, version);
  }

  /** How often in a row readers were lost at this position. */
  get losses(): number {
    return this.#losses;
  }

  /** How far the shard is known to have been read. */
  get saved(): Position | undefined {
    return this.#saved;
  }

  /** Keeps how far the shard was read. @returns false when the claim is no longer the one that was written here */
  save(position: Position): Promise<boolean> {
    return this.#inTurn(async () => {
      const { sequence, identity } = this.#saved ?? {};
      if (sequence === position.sequence && identity === position.identity) return true;
      return this.#write({ owner: this.#owner, position, losses: 0 });
    });
  }

  /**
   * Keeps which message is about to be handed over.
   *
   * @returns how often it was, by this reader and those before it; undefined when the claim is somebody else's
   */
  begin(sequence: number, position: Position): Promise<number | undefined> {
    return this.#inTurn(async () => {
      const times = this.#begun?.sequence === sequence ? this.#begun.times + 1 : 1;
      const claim = { owner: this.#owner, position, losses: this.#losses, begun: { sequence, times } };
      return (await this.#write(claim)) ? times : undefined;
    });
  }

  /** Gives up the shard. */
  async end(position: Position | undefined): Promise<void> {
    await this.#inTurn(() => this.#write({ owner: undefined, position: position ?? this.#saved, losses: 0 }));
  }

  /** Claims can get lost with the server's files. @returns whether the claim still is, or is again, this process' */
  confirm(position: Position | undefined): Promise<boolean> {
    return this.#inTurn(async () => {
      const { owner, version } = await this.#claims.read(this.#shard);
      if (owner !== undefined && owner !== this.#owner) return false;
      this.#version = version;
      if (owner === this.#owner) return true;
      const saved = position ?? this.#saved;
      return this.#write({ owner: this.#owner, position: saved, losses: this.#losses, begun: this.#begun });
    });
  }

  async #write(claim: Claim): Promise<boolean> {
    const version = await this.#claims.write(this.#shard, claim, this.#version);
    if (version === undefined) return false;
    this.#version = version;
    this.#losses = claim.losses;
    this.#begun = claim.begun;
    this.#saved = claim.position;
    return true;
  }

  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    const done = this.#work.then(run);
    this.#work = done.catch(() => {});
    return done;
  }
}
