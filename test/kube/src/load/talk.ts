import { randomBytes } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, persistently, SyncReader } from '@ganglion/testing';
import { Person, Troubles } from './person.ts';
import type { WayIn } from './way-in.ts';

const PEOPLE = 8;
const ROOMS = 4;
const PAUSE_MS = 150;
const POLL_MS = 3_000;
const PATIENCE_MS = 120_000;

/** What came of a conversation. */
export interface Report {
  readonly acknowledged: number;
  /** What went wrong at first and well later, and how often. */
  readonly troubles: ReadonlyMap<string, number>;
  /** What no retry would have cured. */
  readonly incurable: readonly string[];
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** The longest from the first try of a message until it was acknowledged, in milliseconds. */
  readonly longestSend: number;
  /** The longest from when a message was acknowledged until everybody had read it, in milliseconds. */
  readonly longestDelivery: number;
  /** How many answers to /sync the last one to read that message got in that time. None: the request hung. Many: they lacked it. */
  readonly answersMeanwhile: number;
  /** The longest that this process itself had to wait for a processor, in milliseconds: what it measures is late by as much. */
  readonly ownDelay: number;
  /** What else was seen. */
  readonly note?: string;
}

interface Sent {
  readonly roomId: string;
  readonly acknowledgedAt: number;
}

interface Reading {
  readonly at: number;
  /** Which of the readers. */
  readonly by: number;
}

/** People who talk in shared rooms, and read what the others say. */
export class Talk {
  readonly #end = new AbortController();
  readonly #reading: Promise<unknown>;
  #sent = new Map<string, Sent>();
  #readings = new Map<string, Reading[]>();
  /** When each reader got answers. */
  readonly #answers: number[][];
  readonly #delay = monitorEventLoopDelay({ resolution: 20 });
  #longestSend = 0;

  readonly #people: readonly Person[];
  readonly #rooms: readonly string[];
  readonly #readers: readonly SyncReader[];
  readonly #troubles: Troubles;

  private constructor(
    people: readonly Person[],
    rooms: readonly string[],
    readers: readonly SyncReader[],
    troubles: Troubles,
  ) {
    this.#people = people;
    this.#rooms = rooms;
    this.#readers = readers;
    this.#troubles = troubles;
    this.#answers = readers.map(() => []);
    this.#delay.enable();
    this.#reading = Promise.all(readers.map((reader, index) => this.#read(reader, index)));
  }

  static async gather(wayIn: WayIn): Promise<Talk> {
    const troubles = new Troubles();
    const name = `talker-${randomBytes(4).toString('hex')}`;
    const people: Person[] = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await Person.join(wayIn, `${name}-${i}`, troubles));
    const [host, ...guests] = people as [Person, ...Person[]];
    const rooms: string[] = [];
    for (let i = 0; i < ROOMS; i++) {
      const roomId = await persistently(() => host.createRoom({ preset: 'public_chat' }));
      await Promise.all(guests.map((guest) => persistently(() => guest.join(roomId))));
      rooms.push(roomId);
    }
    const readers = people.map((person) => new SyncReader(person));
    for (const reader of readers) await reader.until(() => rooms.every((id) => reader.timeline(id).length > 0));
    return new Talk(people, rooms, readers, troubles);
  }

  /** Has everybody talk while something happens, and some time before and after it. */
  async during(happening: () => Promise<void>, aroundMs = 3_000): Promise<Report> {
    const talking = new AbortController();
    const [before, counts] = [new Set(this.#sent.keys()), new Map(this.#troubles.counts)];
    this.#longestSend = 0;
    this.#delay.reset();
    const conversation = Promise.all(this.#people.map((person, i) => this.#talk(person, i, talking.signal)));
    try {
      await sleep(aroundMs);
      await happening();
      await sleep(aroundMs);
    } finally {
      talking.abort();
      await conversation;
    }
    const ownDelay = this.#delay.max / 1_000_000;
    const sent = [...this.#sent].filter(([eventId]) => !before.has(eventId));
    await eventually(() => this.#expectAllRead(sent.map(([eventId]) => eventId)), PATIENCE_MS).catch(() => {});
    const troubles = [...this.#troubles.counts].map(
      ([what, count]) => [what, count - (counts.get(what) ?? 0)] as const,
    );
    return {
      acknowledged: sent.length,
      troubles: new Map(troubles.filter(([, count]) => count > 0)),
      incurable: this.#troubles.incurable.splice(0),
      ...(await this.#account()),
      longestSend: this.#longestSend,
      ...this.#slowestDelivery(sent),
      ownDelay,
    };
  }

  async end(): Promise<void> {
    this.#end.abort();
    await this.#reading;
  }

  async #talk(person: Person, lane: number, signal: AbortSignal): Promise<void> {
    for (let said = 0; !signal.aborted; said++) {
      const roomId = this.#rooms[(lane + said) % ROOMS] as string;
      const txnId = randomBytes(8).toString('hex');
      const begun = Date.now();
      const eventId = await persistently(() => person.sendText(roomId, txnId, txnId)).catch(() => undefined);
      this.#longestSend = Math.max(this.#longestSend, Date.now() - begun);
      if (eventId === undefined) this.#troubles.incurable.push('a message that was not taken within a minute');
      else this.#sent.set(eventId, { roomId, acknowledgedAt: Date.now() });
      await sleep(PAUSE_MS * (0.5 + Math.random()));
    }
  }

  async #read(reader: SyncReader, by: number): Promise<void> {
    const read = new Map<string, number>();
    while (!this.#end.signal.aborted) {
      await reader.read(this.#end.signal, POLL_MS).then(
        () => this.#answers[by]?.push(Date.now()),
        () => {},
      );
      for (const roomId of this.#rooms) {
        const timeline = reader.timeline(roomId);
        for (const { event_id } of timeline.slice(read.get(roomId) ?? 0)) {
          this.#readings.set(event_id, [...(this.#readings.get(event_id) ?? []), { at: Date.now(), by }]);
        }
        read.set(roomId, timeline.length);
      }
    }
  }

  #expectAllRead(eventIds: readonly string[]): void {
    const unread = eventIds.filter((eventId) => (this.#readings.get(eventId)?.length ?? 0) < PEOPLE);
    if (unread.length > 0) throw new Error(`${unread.length} messages were not read by everybody`);
  }

  #slowestDelivery(sent: readonly (readonly [string, Sent])[]): Pick<Report, 'longestDelivery' | 'answersMeanwhile'> {
    let slowest = { longestDelivery: 0, answersMeanwhile: 0 };
    for (const [eventId, { acknowledgedAt }] of sent) {
      const readings = this.#readings.get(eventId) ?? [];
      const last = readings.reduce((latest, each) => (each.at > latest.at ? each : latest), { at: 0, by: 0 });
      const longestDelivery = readings.length < PEOPLE ? Number.POSITIVE_INFINITY : last.at - acknowledgedAt;
      if (longestDelivery <= slowest.longestDelivery) continue;
      const answers = this.#answers[last.by] ?? [];
      const answersMeanwhile = answers.filter((at) => at > acknowledgedAt && at <= last.at).length;
      slowest = { longestDelivery, answersMeanwhile };
    }
    return slowest;
  }

  /** What is missing of all that was ever acknowledged, in the rooms or at a reader, and what is there more often than once. */
  async #account(): Promise<Pick<Report, 'lost' | 'twice'>> {
    const [lost, twice] = [new Set<string>(), new Set<string>()];
    for (const roomId of this.#rooms) {
      const kept = await historyOf(this.#people[0] as Person, roomId);
      const seen = this.#readers.map((reader) =>
        reader.timeline(roomId).filter(({ type }) => type === 'm.room.message'),
      );
      for (const list of [kept, ...seen]) {
        const texts = new Set<string>();
        for (const { content } of list) {
          const text = String(content.body);
          if (texts.has(text)) twice.add(text);
          texts.add(text);
        }
        const there = new Set(list.map(({ event_id }) => event_id));
        for (const [eventId, sent] of this.#sent) if (sent.roomId === roomId && !there.has(eventId)) lost.add(eventId);
      }
    }
    return { lost: [...lost], twice: [...twice] };
  }
}

interface Page {
  readonly chunk: readonly { readonly event_id: string; readonly type: string; readonly content: { body?: unknown } }[];
  readonly end?: string;
}

/** Every message of a room, the latest first. */
async function historyOf(person: Person, roomId: string): Promise<Page['chunk']> {
  const events: Page['chunk'][number][] = [];
  for (let from: string | undefined, more = true; more; ) {
    const query = { dir: 'b', limit: 100, from };
    const path = `rooms/${encodeURIComponent(roomId)}/messages`;
    const page: Page = await persistently(() => person.call<Page>('GET', path, { query }));
    events.push(...page.chunk);
    from = page.end;
    more = from !== undefined;
  }
  return events.filter(({ type }) => type === 'm.room.message');
}
