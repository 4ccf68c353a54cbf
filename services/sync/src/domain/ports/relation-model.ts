import type { EventPlace } from '../timeline-event.js';

/** An event that others may relate to. */
export interface Parent {
  readonly eventId: string;
  readonly type: string;
  readonly sender: string;
}

/** Whose eyes relations are looked at with. */
export interface RelationViewer {
  readonly userId: string;
  /** What these have sent counts for nothing. */
  readonly ignored: readonly string[];
}

export interface ParentsQuery extends RelationViewer {
  readonly roomNid: number;
  readonly parents: readonly Parent[];
  /** Children up to this position. */
  readonly upTo: number;
}

/** What relates to one event, by the numbers of the events. */
export interface Children {
  readonly parentId: string;
  /** The newest edits by the sender of the event, newest first. */
  readonly edits: readonly number[];
  /** How many are in its thread, and whether the viewer has sent one of these. */
  readonly threadCount: number;
  readonly hasParticipated: boolean;
  /** The newest in its thread, newest first. */
  readonly replies: readonly number[];
  /** The ids of the events that refer to it, oldest first. */
  readonly references: readonly string[];
}

/** Some of the children of an event, in the order of positions. */
export interface ChildrenPage extends RelationViewer {
  readonly roomNid: number;
  readonly parentId: string;
  readonly relType: string | undefined;
  readonly type: string | undefined;
  /** Positions above this one … */
  readonly above: number;
  /** … and up to this one. */
  readonly upTo: number;
  /** How many steps from child to child count; 1 for children alone. */
  readonly depth: number;
  readonly direction: 'forwards' | 'backwards';
  readonly limit: number;
}

export interface AnnotationsQuery {
  readonly roomNid: number;
  /** The event that is annotated. */
  readonly parentId: string;
  readonly type: string;
  readonly sender: string;
}

export interface ThreadsPage extends RelationViewer {
  readonly roomNid: number;
  /** Threads whose newest event is at this position or below. */
  readonly upTo: number;
  readonly limit: number;
}

/** A thread that has its newest event at a position. */
export interface ThreadPlace {
  readonly rootId: string;
  readonly position: number;
  readonly hasParticipated: boolean;
}

/** Which of some events others relate to, by whom and how. */
export interface RelatedQuery {
  readonly roomNid: number;
  readonly eventIds: readonly string[];
  /** Anybody, or in any way, when undefined. */
  readonly senders: readonly string[] | undefined;
  readonly relTypes: readonly string[] | undefined;
  /** Children up to this position. */
  readonly upTo: number;
}

/** Which events relate to which others. */
export interface RelationModel {
  /** The ids of those that have such a child. */
  related(query: RelatedQuery): Promise<ReadonlySet<string>>;
  /** What there is to bundle with events; those that nothing relates to are left out. */
  childrenOf(query: ParentsQuery): Promise<Children[]>;
  /** The numbers of the events of one type with which somebody annotates an event. */
  annotationsBy(query: AnnotationsQuery): Promise<number[]>;
  childrenPage(page: ChildrenPage): Promise<EventPlace[]>;
  /** The threads with the newest events first. */
  threads(page: ThreadsPage): Promise<ThreadPlace[]>;
  /** Where events stand, with what a user's membership was at them. */
  places(roomNid: number, eventNids: readonly number[], userId: string): Promise<EventPlace[]>;
}
