import {
  isJsonObject,
  type JsonObject,
  PushEvaluation,
  type PushRoom,
  powerLevelsOf,
  type RoomEvent,
  roomVersionRules,
} from '@ganglion/protocol';
import { LRUCache } from 'lru-cache';
import type { TimelineEvent } from '../timeline-event.js';
import type { RoomView } from '../views/room-view.js';
import { USUAL_RULES } from '../views/usual-rules.js';
import type { NoticeReader, Verdict } from './notice.js';

export interface Evaluated {
  readonly content: JsonObject;
  readonly evaluation: PushEvaluation;
}

const MAX_EVALUATIONS = 2_000;
const NOW = Number.POSITIVE_INFINITY;

/** Stands for whoever is neither the sender nor mentioned. */
const ANYBODY = { userId: '', rules: USUAL_RULES };

/** Events that were parsed to be held against push rules, for as long as others are likely to ask for them too. */
export class Evaluations {
  readonly #recent = new LRUCache<number, Evaluated>({ maxSize: MAX_EVALUATIONS, sizeCalculation: () => 1 });

  of(event: TimelineEvent, view: RoomView): Evaluated {
    const known = this.#recent.get(event.position);
    if (known !== undefined) return known;
    const parsed = JSON.parse(event.json) as JsonObject;
    const content = isJsonObject(parsed.content) ? parsed.content : {};
    const evaluation = new PushEvaluation({ ...parsed, room_id: view.record.roomId }, roomOf(view));
    const evaluated = { content, evaluation };
    this.#recent.set(event.position, evaluated);
    return evaluated;
  }
}

/** What an event is for all who have the usual rules. */
export function usualVerdict({ content, evaluation }: Evaluated): Verdict {
  const { notify: notifies, highlight: highlights } = evaluation.outcomeFor(ANYBODY);
  const mentioned = mentionedIn(content);
  const [first] = mentioned;
  if (first === undefined) return { notifies, highlights, mentions: undefined };
  const told = evaluation.outcomeFor({ userId: first, rules: USUAL_RULES });
  return { notifies, highlights, mentions: told.highlight ? mentioned : undefined };
}

/** What an event is for one user with rules of their own. */
export function ownVerdict({ evaluation }: Evaluated, { userId, rules }: NoticeReader, view: RoomView): Verdict {
  const outcome = evaluation.outcomeFor({
    userId,
    rules,
    get displayName() {
      return displayNameIn(view, userId);
    },
  });
  return { notifies: outcome.notify, highlights: outcome.highlight, mentions: undefined };
}

function mentionedIn({ 'm.mentions': mentions }: JsonObject): ReadonlySet<string> {
  const ids = isJsonObject(mentions) && Array.isArray(mentions.user_ids) ? mentions.user_ids : [];
  return new Set(ids.filter((id) => typeof id === 'string'));
}

function displayNameIn(view: RoomView, userId: string): string | undefined {
  const member = view.stateEvent('m.room.member', userId, NOW);
  const name = member === undefined ? undefined : JSON.parse(member.json).content.displayname;
  return typeof name === 'string' ? name : undefined;
}

/** The room as it is when a rule asks for it: few do. */
function roomOf(view: RoomView): PushRoom {
  return {
    get memberCount() {
      return view.joinedCount;
    },
    get powerLevels() {
      const rules = roomVersionRules(view.record.roomVersion);
      if (rules === undefined) throw new Error(`unknown room version ${view.record.roomVersion}`);
      return powerLevelsOf((type, stateKey) => roomEvent(view, type, stateKey), rules);
    },
  };
}

function roomEvent(view: RoomView, type: string, stateKey: string): RoomEvent | undefined {
  const event = view.stateEvent(type, stateKey, NOW);
  if (event === undefined) return undefined;
  return { eventId: event.eventId, roomId: view.record.roomId, pdu: JSON.parse(event.json), rejected: false };
}
