import type { Bus, Topic, TopicHandler } from '@ganglion/bus';
import type { Database, Statement } from '@ganglion/database';

/** A statement that has been answered, but whose answer has not arrived yet. */
export interface Held {
  /** Resolves once the statement has been sent and answered. */
  readonly answered: Promise<void>;
  release(): void;
}

interface Hold {
  readonly name: string;
  readonly answered: () => void;
  readonly released: Promise<void>;
}

/** What may befall one replica: broadcasts that it does not hear, and answers of the database that take their time. */
export class Trouble {
  /** Whether this broadcast is lost on the way. */
  loses: (topic: string) => boolean = () => false;
  /** Whether the database cannot be reached. */
  isCutOff = false;
  /** How often what it missed was read from the database. */
  catchUps = 0;
  readonly #holds: Hold[] = [];

  /** Holds back the answer to the next statement of a name. */
  hold(name: string): Held {
    const answered = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    this.#holds.push({ name, answered: answered.resolve, released: released.promise });
    return { answered: answered.promise, release: released.resolve };
  }

  bus(bus: Bus): Bus {
    const listen: Bus['listen'] = <T>(topic: Topic<T>, handler: TopicHandler<T>, options = {}) =>
      bus.listen(
        topic,
        (message, context) => {
          if (!this.loses(topic.name)) handler(message, context);
        },
        options,
      );
    return overriding(bus, { listen });
  }

  database(db: Database): Database {
    const query = async (statement: Statement) => {
      if (this.isCutOff) throw Object.assign(new Error('the database cannot be reached'), { code: 'ECONNREFUSED' });
      const index = this.#holds.findIndex(({ name }) => name === statement.name);
      const [hold] = index < 0 ? [] : this.#holds.splice(index, 1);
      const result = await db.query(statement);
      hold?.answered();
      await hold?.released;
      return result;
    };
    const transaction: Database['transaction'] = async (run, options) => {
      if (this.isCutOff) throw Object.assign(new Error('the database cannot be reached'), { code: 'ECONNREFUSED' });
      this.catchUps += 1;
      return db.transaction(run, options);
    };
    return overriding(db, { query: query as Database['query'], transaction });
  }
}

/** The same object with some of its methods replaced. */
export function overriding<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const replaced = methods[key as keyof T];
      if (replaced !== undefined) return replaced;
      const value = target[key as keyof T];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
