import { parseSpaceLink } from './space-link.js';

/** A space that a room claims to be part of. Whether the claim holds is for the state of the space to say. */
export interface SpaceParent {
  readonly roomId: string;
  readonly via: readonly string[];
  readonly canonical: boolean;
}

/**
 * Reads an `m.space.parent` event. Undefined where it claims nothing, because its `via` is absent, empty or malformed.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mspaceparent
 */
export function parseSpaceParent(event: unknown): SpaceParent | undefined {
  const link = parseSpaceLink('m.space.parent', event);
  return link && { roomId: link.roomId, via: link.via, canonical: link.content.canonical === true };
}

/**
 * The main one of a room's parents: of those that call themselves canonical, the one with the lowest room id.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mspaceparent-relationships
 */
export function canonicalSpaceParent(parents: Iterable<SpaceParent>): SpaceParent | undefined {
  let canonical: SpaceParent | undefined;
  for (const parent of parents) {
    if (parent.canonical && (canonical === undefined || parent.roomId < canonical.roomId)) canonical = parent;
  }
  return canonical;
}
