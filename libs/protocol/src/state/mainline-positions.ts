import type { EventGraph } from './event-graph.js';
import { loadWithAuthEvents } from './load.js';
import type { Questions } from './resolution-answers.js';

/** The mainline position of an event: 0 is under the newest power levels, infinity under none of the mainline. */
type PositionOf = (node: number) => number;

/**
 * Finds the mainline positions of events: that of the first m.room.power_levels event before each which is on the mainline.
 *
 * The mainline and the power levels that the events name are followed at the same time, one step a round, until the ways
 * have met: a room that changed its power levels a thousand times is read as far back as the events go, and no further.
 */
export function* mainlinePositions<Id>(
  events: readonly number[],
  powerLevels: Id | undefined,
  graph: EventGraph<Id>,
): Questions<Id, PositionOf> {
  const ends = new Set<number>();
  for (const event of events) {
    const before = powerLevelsBefore(event, graph);
    if (before !== undefined) ends.add(before);
  }
  const search = new MainlineSearch(ends, powerLevels === undefined ? undefined : graph.node(powerLevels));
  for (let open = search.open(); open.length > 0; open = search.open()) {
    yield* loadWithAuthEvents(open, graph);
    search.goOn((node) => powerLevelsBefore(node, graph));
  }
  return (event) => search.positions.get(powerLevelsBefore(event, graph)) ?? Number.POSITIVE_INFINITY;
}

function powerLevelsBefore<Id>(node: number, graph: EventGraph<Id>): number | undefined {
  return graph.authEvent(node, 'm.room.power_levels', '');
}

type Before = (node: number) => number | undefined;

class MainlineSearch {
  /** The place in the mainline of m.room.power_levels events, or of the first before them that has one. */
  readonly positions = new Map<number | undefined, number>();
  private readonly mainline = new Set<number>();
  private readonly placedLater = new Map<number, number[]>();
  private readonly passed: Set<number>;
  private tips: number[];
  private unplaced: number;

  constructor(
    private readonly ends: ReadonlySet<number>,
    private head: number | undefined,
  ) {
    this.unplaced = ends.size;
    this.passed = new Set(ends);
    this.tips = [...ends];
    this.lengthen();
  }

  /** The events from which both ways have to be gone on; none when all positions are known, or nothing can have one. */
  open(): number[] {
    if (this.unplaced === 0 || this.mainline.size === 0) return [];
    return this.head === undefined ? this.tips : [this.head, ...this.tips];
  }

  goOn(before: Before): void {
    const tips = this.tips.filter((tip) => !this.positions.has(tip));
    if (this.head !== undefined) this.head = before(this.head);
    this.lengthen();
    this.tips = [];
    for (const tip of tips) this.follow(tip, before(tip));
  }

  /** Puts the head at the end of the mainline, unless that has come full circle. */
  private lengthen(): void {
    if (this.head === undefined) return;
    if (this.mainline.has(this.head)) this.head = undefined;
    else {
      this.place(this.head, this.mainline.size);
      this.mainline.add(this.head);
    }
  }

  private follow(tip: number, before: number | undefined): void {
    if (before === undefined) return;
    const position = this.positions.get(before);
    if (position !== undefined) this.place(tip, position);
    else this.wait(tip, before);
  }

  private wait(tip: number, before: number): void {
    const waiting = this.placedLater.get(before);
    if (waiting === undefined) this.placedLater.set(before, [tip]);
    else waiting.push(tip);
    if (this.passed.has(before)) return;
    this.passed.add(before);
    this.tips.push(before);
  }

  /** Gives an event its position, and with it all that wait for it. */
  private place(first: number, position: number): void {
    const placed = [first];
    for (const node of placed) {
      if (this.positions.has(node)) continue;
      this.positions.set(node, position);
      if (this.ends.has(node)) this.unplaced -= 1;
      for (const waiting of this.placedLater.get(node) ?? []) placed.push(waiting);
    }
  }
}
