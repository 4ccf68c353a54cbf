import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import type { Account } from '../load/account.ts';
import type { Client } from '../load/client.ts';
import { Score } from '../load/loop.ts';
import { catchUp, eventsIn, messageBody, sendMessage, sync, syncAnswer } from '../load/matrix.ts';
import { at, insist, type Room } from '../load/scene.ts';
import type { Plan, Tally } from '../types.ts';
import { type Measure, observe } from './measure.ts';

const mark = 'delivery ';

/** From the moment a message is sent until it has arrived at each of the others, who all wait in a long poll. */
export const delivery: Measure = {
  id: 'delivery',
  title: 'delivery to long-polling readers',
  headline: 'p50',
  warmUp: false,
  async run(setting) {
    const { scene, round } = setting;
    const hall = await scene.hall();
    const watch = new Watch(scene.client, hall, `${mark}${round} `, scene.plan);
    await watch.settle();
    return observe(setting, () => watch.time(scene.plan.deliveries));
  },
};

/** Readers in their long polls, and what they have seen of the messages sent. */
class Watch {
  readonly #client: Client;
  readonly #room: Room;
  readonly #mark: string;
  readonly #plan: Plan;
  readonly #sent: number[] = [];
  #score = new Score();
  #seen = 0;
  #over = false;
  #readers: Promise<void>[] = [];

  constructor(client: Client, room: Room, mark: string, plan: Plan) {
    this.#client = client;
    this.#room = room;
    this.#mark = mark;
    this.#plan = plan;
  }

  /** Brings all readers up to now and into a long poll. */
  async settle(): Promise<void> {
    const readers = this.#room.members.slice(1);
    for (const reader of readers) await catchUp(this.#client, reader);
    const failed = (error: Error) => this.#score.miss(error.message);
    this.#readers = readers.map((reader) => this.#read(reader).catch(failed));
    await sleep(this.#plan.settle);
  }

  /** Sends so many messages at a steady pace, and waits until all have arrived or no more can be expected. */
  async time(count: number): Promise<Tally> {
    const expected = count * this.#readers.length;
    this.#score = new Score();
    for (let n = 0; n < count; n++) {
      await this.#say(`${this.#mark}${n}`);
      await sleep(this.#plan.interval);
    }
    const end = performance.now() + this.#plan.patience;
    while (this.#seen < expected && performance.now() < end) await sleep(50);
    if (this.#seen < expected) this.#score.miss('a message did not arrive', expected - this.#seen);
    const tally = this.#score.tally();
    this.#over = true;
    await this.#say('That was all.');
    await Promise.all(this.#readers);
    return tally;
  }

  async #say(text: string): Promise<void> {
    const body = messageBody(text);
    this.#sent.push(performance.now());
    insist(await sendMessage(this.#client, at(this.#room.members, 0), this.#room.id, body), 'a message');
  }

  async #read(reader: Account): Promise<void> {
    while (!this.#over) {
      const reply = await sync(this.#client, reader, { since: reader.since, timeout: 30_000 });
      // Answers come to all readers at once: let every one of them be clocked before any is looked into.
      await setImmediate();
      const answer = syncAnswer(reply);
      reader.since = answer.next_batch;
      for (const { content } of eventsIn(answer)) {
        if (content.body?.startsWith(this.#mark)) this.#note(Number(content.body.slice(this.#mark.length)), reply.at);
      }
    }
  }

  #note(n: number, at: number): void {
    this.#seen += 1;
    this.#score.add(at - (this.#sent[n] ?? Number.NaN), at);
  }
}
