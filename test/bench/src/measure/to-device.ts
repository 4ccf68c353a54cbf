import type { Account } from '../load/account.ts';
import { closedLoop, forSeconds, Score } from '../load/loop.ts';
import { sync } from '../load/matrix.ts';
import { at, type Scene } from '../load/scene.ts';
import type { Tally } from '../types.ts';
import { type Measure, observe } from './measure.ts';

const inFlight = 16;
/** So many devices an app sends to in one request when it shares the key of a room. */
const devicesARequest = 20;
/** As long as a key of a room is when it is encrypted for one device. */
const ciphertext = 'x'.repeat(900);

/** Messages to devices, until each of them has come where it was sent: devices read while others send. */
export const toDevice: Measure = {
  id: 'to-device',
  title: `messages to devices, ${devicesARequest} a request, ${inFlight} requests in flight, read at once`,
  headline: 'rate',
  warmUp: false,
  async run(setting) {
    const mailboxes = new Mailboxes(setting.scene, await setting.scene.crowd(), setting.round);
    await mailboxes.open();
    return observe(setting, () => mailboxes.fill(setting.seconds));
  },
};

interface ToDevice {
  readonly next_batch: string;
  readonly to_device?: { readonly events: readonly { readonly type: string }[] };
}

class Mailboxes {
  readonly #scene: Scene;
  readonly #owners: readonly Account[];
  readonly #type: string;
  #received = 0;
  #lastAt = 0;
  #over = false;

  constructor(scene: Scene, owners: readonly Account[], round: number) {
    this.#scene = scene;
    this.#owners = owners.slice(0, devicesARequest);
    this.#type = `bench.${Date.now().toString(36)}.${round}`;
  }

  /** Brings all devices up to now. */
  async open(): Promise<void> {
    for (const owner of this.#owners) while ((await this.#read(owner, 0)) > 0);
  }

  /** The messages that have arrived, in the time until the last of them had; how long it took to send one request of them. */
  async fill(seconds: number): Promise<Tally> {
    const start = performance.now();
    const reading = this.#owners.map((owner) => this.#readOn(owner));
    const sent = await closedLoop(inFlight, forSeconds(seconds), (slot, n) => this.#send(at(this.#owners, slot), n));
    const expected = sent.done * this.#owners.length;
    const score = new Score();
    while (this.#received < expected && score.elapsed < this.#scene.plan.patience) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    this.#over = true;
    await Promise.all(reading);
    const lost = expected - this.#received;
    return {
      ...sent,
      done: this.#received,
      errors: sent.errors + lost,
      seconds: (this.#lastAt - start) / 1_000,
      ...(lost > 0 && { complaint: 'messages did not arrive' }),
    };
  }

  #send(who: Account, n: number) {
    const content = { algorithm: 'm.olm.v1.curve25519-aes-sha2', ciphertext };
    const messages = this.#owners.map(({ userId, deviceId }) => [userId, { [deviceId]: content }]);
    const path = `/_matrix/client/v3/sendToDevice/${this.#type}/${n}`;
    return this.#scene.client.send(
      'PUT',
      path,
      who.headers,
      JSON.stringify({ messages: Object.fromEntries(messages) }),
    );
  }

  async #readOn(owner: Account): Promise<void> {
    while (!this.#over) {
      const found = await this.#read(owner, 1_000);
      this.#received += found;
    }
  }

  /** How many of the messages of this round a sync has brought. */
  async #read(owner: Account, timeout: number): Promise<number> {
    const reply = await sync(this.#scene.client, owner, { since: owner.since, timeout });
    if (reply.status !== 200) throw new Error(`sync answered ${reply.status}: ${reply.body.toString().slice(0, 200)}`);
    const answer = JSON.parse(reply.body.toString()) as ToDevice;
    owner.since = answer.next_batch;
    const found = (answer.to_device?.events ?? []).filter(({ type }) => type === this.#type).length;
    if (found > 0) this.#lastAt = reply.at;
    return found;
  }
}
