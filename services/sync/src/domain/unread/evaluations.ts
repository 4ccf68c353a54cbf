import {
  isJsonObject,
  type JsonObject,
  PushEvaluation,
  type PushRecipient,
  type PushRoom,
  powerLevelsOf,
  type RoomEvent,
  roomVersionRules,
} from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import { NOT_WHOLE } from '../append-batch.js';
import { contentText, type EventText } from '../event-text.js';
import type { ReadModel } from '../ports/read-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import type { TimelineEvent } from '../timeline-event.js';
import { membersAt } from '../views/room-state.js';
import type { RoomView } from '../views/room-view.js';
import { USUAL_RULES } from '../views/usual-rules.js';
import type { NoticeReader, Told, Verdict } from './notice.js';

export interface Evaluated {
  readonly content: JsonObject;
  readonly evaluation: PushEvaluation;
}

/** What push rules may ask of a room, as it is now. */
export interface RoomNow {
  readonly view: RoomView;
  readonly create: EventText | undefined;
  readonly powerLevels: EventText | undefined;
}

const MAX_EVALUATIONS = 2_000;
const NOW = Number.MAX_SAFE_INTEGER;

/** Stands for whoever is neither the sender nor mentioned. */
const ANYBODY = { userId: '', rules: USUAL_RULES };
const FOLLOWS_NONE = () => false;
const FOLLOWS_ALL = () => true;

export async function roomNow(texts: EventTexts, view: RoomView): Promise<RoomNow> {
  const nidOf = (type: string) => view.version(type, '', NOW)?.eventNid;
  const [create, powerLevels] = [nidOf('m.room.create'), nidOf('m.room.power_levels')];
  const found = await texts.load(
    view.record,
    [create, powerLevels].filter((nid) => nid !== undefined),
  );
  return { view, create: found.get(create ?? 0), powerLevels: found.get(powerLevels ?? 0) };
}

/** What somebody is called in a room now. */
export async function displayNameIn(model: ReadModel, texts: EventTexts, view: RoomView, userId: string) {
  const nid = (await membersAt(model, view, [userId], NOW)).get(userId)?.eventNid;
  const text = nid === undefined ? undefined : (await texts.load(view.record, [nid])).get(nid);
  const name = text === undefined ? undefined : JSON.parse(contentText(text)).displayname;
  return typeof name === 'string' ? name : undefined;
}

/** Events that were parsed to be held against push rules, for as long as others are likely to ask for them too. */
export class Evaluations {
  readonly #recent = new LRUCache<number, Evaluated>({ maxSize: MAX_EVALUATIONS, sizeCalculation: () => 1 });

  of({ place, text }: TimelineEvent, room: RoomNow): Evaluated {
    const known = this.#recent.get(place.position);
    if (known !== undefined) return known;
    const parsed = JSON.parse(text.json) as JsonObject;
    const content = isJsonObject(parsed.content) ? parsed.content : {};
    const { roomId } = room.view.record;
    const evaluation = new PushEvaluation({ ...parsed, room_id: roomId }, pushRoom(room));
    const evaluated = { content, evaluation };
    this.#recent.set(place.position, evaluated);
    return evaluated;
  }
}

/** What an event is for all who have the usual rules. */
export function usualVerdict({ content, evaluation }: Evaluated, byThread: boolean): Verdict {
  const { followed, ...told } = toldBy(evaluation, ANYBODY, byThread);
  const mentioned = mentionedIn(content);
  const [first] = mentioned;
  if (first === undefined) return { ...told, mentions: undefined, followed };
  const { highlight } = evaluation.outcomeFor({ userId: first, rules: USUAL_RULES });
  return { ...told, mentions: highlight ? mentioned : undefined, followed };
}

/** What an event is for one user with rules of their own. */
export function ownVerdict(
  { evaluation }: Evaluated,
  reader: NoticeReader & { readonly displayName: string | undefined },
  byThread: boolean,
): Verdict {
  return { ...toldBy(evaluation, reader, byThread), mentions: undefined };
}

/** @param byThread whether it makes a difference whether somebody follows the thread that the event is in */
function toldBy(
  evaluation: PushEvaluation,
  reader: PushRecipient,
  byThread: boolean,
): Told & Pick<Verdict, 'followed'> {
  const told = (followsThread?: () => boolean) => {
    const { notify: notifies, highlight: highlights } = evaluation.outcomeFor({ ...reader, followsThread });
    return { notifies, highlights };
  };
  if (!byThread || evaluation.threadRoot === undefined) return { ...told(), followed: undefined };
  return { ...told(FOLLOWS_NONE), followed: told(FOLLOWS_ALL) };
}

function mentionedIn({ 'm.mentions': mentions }: JsonObject): ReadonlySet<string> {
  const ids = isJsonObject(mentions) && Array.isArray(mentions.user_ids) ? mentions.user_ids : [];
  return new Set(ids.filter((id) => typeof id === 'string'));
}

/** Few rules ask for it. */
function pushRoom({ view, create, powerLevels }: RoomNow): PushRoom {
  const { roomId, roomVersion } = view.record;
  return {
    get memberCount() {
      // A room of which few members are known yet is not one of two.
      return view.wholeFrom === NOT_WHOLE ? Number.POSITIVE_INFINITY : view.counts.joined;
    },
    get powerLevels() {
      const rules = roomVersionRules(roomVersion);
      if (rules === undefined) throw new Error(`unknown room version ${roomVersion}`);
      const texts = new Map([
        ['m.room.create', create],
        ['m.room.power_levels', powerLevels],
      ]);
      return powerLevelsOf((type) => roomEvent(roomId, texts.get(type)), rules);
    },
  };
}

function roomEvent(roomId: string, text: EventText | undefined): RoomEvent | undefined {
  return text && { eventId: text.eventId, roomId, pdu: JSON.parse(text.json), rejected: false };
}
