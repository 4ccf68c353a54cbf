import type { ReadModel } from '../ports/read-model.js';
import type { StateVersion, TimelineEvent } from '../timeline-event.js';
import type { RoomView } from './room-view.js';
import { lastUpTo } from './version-log.js';

const MEMBER = 'm.room.member';

type Model = Pick<ReadModel, 'stateAt' | 'changedState' | 'entryVersions' | 'members'>;

/** The state at a position without members, from memory or, for what lies further back, from the database. */
export async function stateAt(model: Model, view: RoomView, at: number): Promise<StateVersion[]> {
  return view.covers(at) ? view.stateAt(at) : model.stateAt(view.record.nid, at);
}

/** Of the entries that changed above one position and up to another, what they are then. */
export async function changedState(model: Model, view: RoomView, above: number, upTo: number, withMembers: boolean) {
  if (view.covers(above)) return view.changedState(above, upTo, withMembers);
  return model.changedState(view.record.nid, above, upTo, withMembers);
}

/** One entry, but a member, at a position. */
export async function entryAt(model: Model, view: RoomView, type: string, stateKey: string, at: number) {
  if (view.covers(at)) return view.version(type, stateKey, at);
  const versions = await model.entryVersions({ roomNid: view.record.nid, names: [{ type, stateKey }], from: at });
  return lastUpTo(versions, at);
}

/** Some members at a position, those left out who are not known there. */
export async function membersAt(
  model: Model,
  view: RoomView,
  userIds: Iterable<string>,
  at: number,
): Promise<ReadonlyMap<string, StateVersion>> {
  const wanted = [...new Set(userIds)];
  if (!view.covers(at)) return latestOf(await readMembers(model, view, wanted, at), at);
  await learnMembers(model, view, wanted);
  // Others may have asked for so many meanwhile that these were forgotten.
  if (!wanted.every((userId) => view.knowsMember(userId)))
    return latestOf(await readMembers(model, view, wanted, at), at);
  return new Map(
    wanted.flatMap((userId) => {
      const version = view.member(userId, at);
      return version === undefined ? [] : [[userId, version] as const];
    }),
  );
}

/** Those of some state events, by their numbers, that stand in the state at a position. */
export async function standingOf(
  model: Model,
  view: RoomView,
  events: readonly TimelineEvent[],
  at: number,
): Promise<ReadonlySet<number>> {
  const [members, others] = [true, false].map((is) => events.filter(({ text }) => (text.type === MEMBER) === is));
  const entries = await Promise.all([
    membersAt(
      model,
      view,
      members!.map(({ text }) => text.stateKey!),
      at,
    ).then((found) => [...found.values()]),
    ...others!.map(({ text }) => entryAt(model, view, text.type, text.stateKey!, at)),
  ]);
  return new Set(entries.flat().flatMap((entry) => entry?.eventNid ?? []));
}

/** Of a room with so many members they are all kept in memory, once somebody has asked for them all. */
const FEW_MEMBERS = 300;
const MEMBERS_PAGE = 1_000;

/** All members at a position, whatever their membership, a page at a time: from memory where they are few. */
export async function* allMembersAt(model: Model, view: RoomView, at: number): AsyncGenerator<readonly StateVersion[]> {
  const roomNid = view.record.nid;
  if (view.covers(at) && (view.knowsAllMembers || (await learnAllMembers(model, view)))) {
    yield view.membersAt(at);
    return;
  }
  for (let afterKey: number | undefined = 0; afterKey !== undefined; ) {
    const page: Awaited<ReturnType<Model['members']>> = await model.members({
      ...{ roomNid, at, afterKey, limit: MEMBERS_PAGE },
    });
    yield page.members;
    afterKey = page.nextKey;
  }
}

/** Whether they are few enough to be known, and still within the window. */
async function learnAllMembers(model: Model, view: RoomView): Promise<boolean> {
  const { record, windowStart } = view;
  if (view.counts.joined + view.counts.invited > FEW_MEMBERS) return false;
  const page = { roomNid: record.nid, at: windowStart, afterKey: 0, limit: FEW_MEMBERS };
  const { members, nextKey } = await model.members(page);
  if (nextKey !== undefined || windowStart !== view.windowStart) return false;
  view.learnAllMembers(members);
  return true;
}

async function learnMembers(model: Model, view: RoomView, wanted: readonly string[]): Promise<void> {
  for (let windowStart = -1; windowStart !== view.windowStart; ) {
    windowStart = view.windowStart;
    const unknown = wanted.filter((userId) => !view.knowsMember(userId));
    if (unknown.length === 0) return;
    const versions = await readMembers(model, view, unknown, windowStart);
    // When the window has moved on meanwhile, something may be missing in between.
    if (windowStart === view.windowStart) view.learnMembers(unknown, versions);
  }
}

function readMembers(model: Model, { record }: RoomView, userIds: readonly string[], from: number) {
  const names = userIds.map((stateKey) => ({ type: 'm.room.member', stateKey }));
  return model.entryVersions({ roomNid: record.nid, names, from });
}

function latestOf(versions: readonly StateVersion[], at: number): ReadonlyMap<string, StateVersion> {
  return new Map(versions.filter(({ position }) => position <= at).map((version) => [version.stateKey, version]));
}
