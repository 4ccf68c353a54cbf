import type { RoomEvent } from '../events/pdu.js';
import type { StateMap, StateTuple } from '../rooms/state-map.js';

/**
 * What a resolution has to be told of a room, one method for each kind of question. All that is known to be needed at a time is
 * asked for at once. `Id` is what the caller calls its events by: their ids, or numbers of its own.
 */
export interface ResolutionAnswers<Id> {
  /**
   * The events that authorise each of these: what their `auth_events` name. An event that is not known may be left out.
   * Those of other events may be added, if they are at hand: they will not be asked for.
   */
  authEvents(ids: readonly Id[]): ReadonlyMap<Id, readonly Id[]>;

  /**
   * Which of these events are in the auth chains of all state sets, each set taken to be part of its own chain. The answer must
   * hold at least those in the chain of what all sets agree on, and may hold every event that is in the chain of each
   * set, in whatever way: the outcome is the same, and the more it holds the less is read. The chains of what it
   * holds are not walked.
   */
  inEveryChain(ids: readonly Id[]): ReadonlySet<Id>;

  /**
   * Version 2.1 of state resolution: from which of these events a path of `auth_events`, one step long or more, leads to a
   * conflicted event. Only what surely leads to none may be left out, so all of them is a right answer: it has
   * the whole chains of the conflicted events walked. Depths, which are their senders' to choose, say nothing sure.
   */
  leadingTo(conflicted: ReadonlySet<Id>, ids: readonly Id[]): ReadonlySet<Id>;

  /** These events, with whether they were rejected. What is not known is left out; others may be added. */
  events(ids: readonly Id[]): ReadonlyMap<Id, RoomEvent>;

  /** What all state sets agree on for these entries, none of which is in conflict. What they agree not to have is left out. */
  shared(tuples: readonly StateTuple[]): StateMap<Id>;

  /**
   * Version 12 and later: the m.room.create event that the id of a room stands for, which no event names in `auth_events`.
   * Undefined when it is not known.
   */
  create(roomId: string): RoomEvent | undefined;
}

type Kind = keyof ResolutionAnswers<unknown>;

/** A question of the given kind, with the arguments that the method of that name in `ResolutionAnswers` takes. */
type QuestionOf<Id, Ask extends Kind> = { readonly ask: Ask; readonly about: Parameters<ResolutionAnswers<Id>[Ask]> };

/** One question of a resolution. */
export type Question<Id> = { [Ask in Kind]: QuestionOf<Id, Ask> }[Kind];

/** What answers some question. Which one it fits is not in the type: let `answerAtOnce` or `answerInTime` do it. */
export type Answer<Id> = ReturnType<ResolutionAnswers<Id>[Kind]>;

/** A computation that asks until it has what it needs for its result. */
export type Questions<Id, Result> = Generator<Question<Id>, Result, Answer<Id>>;

/** Asks one question. */
export function* ask<Id, Ask extends Kind>(
  kind: Ask,
  ...about: Parameters<ResolutionAnswers<Id>[Ask]>
): Questions<Id, ReturnType<ResolutionAnswers<Id>[Ask]>> {
  return (yield { ask: kind, about } as Question<Id>) as ReturnType<ResolutionAnswers<Id>[Ask]>;
}
