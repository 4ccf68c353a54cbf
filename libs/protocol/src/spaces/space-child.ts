import { parseSpaceLink } from './space-link.js';

/** A room that belongs to a space. */
export interface SpaceChild {
  readonly roomId: string;
  /** Servers through which the room can be joined. */
  readonly via: readonly string[];
  /** Only where it is valid. */
  readonly order?: string;
  readonly suggested: boolean;
  readonly originServerTs: number;
}

const ORDER = /^[\x20-\x7e]{1,50}$/;

/**
 * Reads an `m.space.child` event. Undefined where it makes no room a child, because its `via` is absent, empty or not a
 * list of servers, as in an event that takes a child out of its space.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#mspacechild
 */
export function parseSpaceChild(event: unknown): SpaceChild | undefined {
  const link = parseSpaceLink('m.space.child', event);
  if (link === undefined) return undefined;
  const { order, suggested } = link.content;
  return {
    roomId: link.roomId,
    via: link.via,
    ...(typeof order === 'string' && ORDER.test(order) && { order }),
    suggested: suggested === true,
    originServerTs: link.originServerTs,
  };
}

/**
 * The children of a space in the order in which they are to be shown: those with an `order` by it, then the others;
 * equals by the time of their event, then by room id.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#ordering-of-children-within-a-space
 */
export function orderSpaceChildren(children: Iterable<SpaceChild>): SpaceChild[] {
  return [...children].sort(compareChildren);
}

function compareChildren(a: SpaceChild, b: SpaceChild): number {
  return compareOrder(a.order, b.order) || a.originServerTs - b.originServerTs || compareText(a.roomId, b.roomId);
}

function compareOrder(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareText(a, b);
}

/** By code unit, which for the ASCII of `order` and of room ids is by code point too. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
