/** A room's state: what each (event type, state key) pair points to, usually an event id or an event. */
export type StateMap<T> = ReadonlyMap<StateTuple, T>;

declare const brand: unique symbol;
/** One string for an (event type, state key) pair, so that it can be the key of a Map. Made only by `stateTuple`. */
export type StateTuple = string & { readonly [brand]: true };

/** Event types may hold any character but the escape below keeps pairs apart: the type's length goes first. */
export function stateTuple(type: string, stateKey: string): StateTuple {
  return `${type.length}:${type}${stateKey}` as StateTuple;
}

/** The (event type, state key) pair that a tuple was made of. */
export function splitStateTuple(tuple: StateTuple): readonly [type: string, stateKey: string] {
  const colon = tuple.indexOf(':');
  const typeEnd = colon + 1 + Number(tuple.slice(0, colon));
  return [tuple.slice(colon + 1, typeEnd), tuple.slice(typeEnd)];
}
