import type { Person } from './person.js';

/** A request that is answered with success. */
export interface Example {
  /** By the names of the route's parameters; not encoded. */
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
  /** The body is somebody's own content, of which nothing but that it is an object is looked at. */
  readonly freeForm?: boolean;
  /** What answers when it is not 200. */
  readonly status?: number;
}

/** What examples are about; each has its own. */
export interface Scene {
  readonly person: Person;
  readonly other: Person;
  readonly roomId: string;
  readonly eventId: string;
}

/** Makes an example for a scene. */
export type MakeExample = (scene: Scene) => Example | Promise<Example>;
