import type { RoomFederation } from '@ganglion/contracts/room';

/** At once from the room server. */
const PAGE = 2_000;

export interface PagesOf {
  readonly serverName: string;
  readonly roomId: string;
  readonly eventId: string;
  readonly idsOnly: boolean;
  readonly omitMembers?: boolean;
}

type Pages = AsyncGenerator<string[], void>;

/** The state before an event: PDUs, or ids, as JSON texts. */
export async function* statePages(rooms: RoomFederation, { omitMembers = false, ...asked }: PagesOf): Pages {
  let afterKey = 0;
  for (;;) {
    const { events, nextKey } = await rooms.getStateBefore({ ...asked, omitMembers, afterKey, limit: PAGE });
    yield events.map(textOf(asked.idsOnly));
    if (nextKey === undefined) return;
    afterKey = nextKey;
  }
}

/** What authorises the state before an event. */
export async function* authOfStatePages(rooms: RoomFederation, { eventId, omitMembers: _, ...asked }: PagesOf): Pages {
  yield* chainPages(rooms, { ...asked, eventIds: [], stateBeforeEventId: eventId });
}

/**
 * What authorises an event and the state before it, as far as that is told where members are left out, and without what is
 * told as state.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export async function* authBesideState(rooms: RoomFederation, asked: PagesOf): Pages {
  const state = new Set<string>();
  for await (const page of statePages(rooms, { ...asked, idsOnly: true, omitMembers: true })) {
    for (const text of page) state.add(JSON.parse(text) as string);
  }
  const { eventId, omitMembers: _, ...chain } = asked;
  yield* chainPages(rooms, { ...chain, eventIds: [eventId, ...state], stateBeforeEventId: undefined }, state);
}

/** What authorises an event. */
export async function* authPages(rooms: RoomFederation, { eventId, omitMembers: _, ...asked }: PagesOf): Pages {
  yield* chainPages(rooms, { ...asked, eventIds: [eventId], stateBeforeEventId: undefined });
}

type ChainOf = Omit<PagesOf, 'eventId'> & { eventIds: string[]; stateBeforeEventId: string | undefined };

async function* chainPages(rooms: RoomFederation, asked: ChainOf, without: ReadonlySet<string> = new Set()): Pages {
  let afterNid = 0;
  for (;;) {
    const { events, nextNid } = await rooms.getAuthChain({ ...asked, afterNid, limit: PAGE });
    yield events.filter(({ eventId }) => !without.has(eventId)).map(textOf(asked.idsOnly));
    if (nextNid === undefined) return;
    afterNid = nextNid;
  }
}

function textOf(idsOnly: boolean) {
  return ({ eventId, pduJson }: { eventId: string; pduJson: string }) => (idsOnly ? JSON.stringify(eventId) : pduJson);
}
