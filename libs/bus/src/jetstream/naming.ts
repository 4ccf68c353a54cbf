/** Everything of Ganglion's is named in one namespace, so that other programs can share the NATS servers. */
export class Naming {
  readonly #namespace: string;

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  stream(name: string): string {
    return `${this.#namespace}-${name}`;
  }

  /** The streams that the bus keeps for itself cannot be mistaken for others. */
  own(name: 'claims' | 'dead-letter'): string {
    return `${this.#namespace}_${name}`;
  }

  /** The name that a stream was defined with; undefined for one of the bus itself. */
  defined(stream: string): string | undefined {
    const prefix = this.stream('');
    return stream.startsWith(prefix) ? stream.slice(prefix.length) : undefined;
  }

  shard(stream: string, shard: number | '*'): string {
    return `${this.#namespace}.${stream}.${shard}`;
  }

  /** Where the servers repeat what they have stored of a shard. */
  live(stream: string, shard: number | string): string {
    return `${this.#namespace}.stored.${stream}.${shard}`;
  }

  /** Two characters that are special in subjects can be in a key, so keys are encoded. */
  topic(topic: string, key: string | undefined): string {
    const token = key === undefined ? '_' : `k${Buffer.from(key).toString('base64url')}`;
    return `${this.#namespace}.topic.${topic}.${token}`;
  }

  wholeTopic(topic: string): string {
    return `${this.#namespace}.topic.${topic}.*`;
  }

  presence(stream: string, durable: string): string {
    return `${this.#namespace}.presence.${stream}.${durable}`;
  }

  claim(stream: string, durable: string, shard: number | '*'): string {
    return `${this.#namespace}.claims.${stream}.${durable}.${shard}`;
  }

  deadLetter(stream: string, durable: string): string {
    return `${this.#namespace}.dead-letter.${stream}.${durable}`;
  }

  /** A subject as it is called outside of NATS: without the namespace. */
  bare(subject: string): string {
    return subject.slice(this.#namespace.length + 1);
  }
}
