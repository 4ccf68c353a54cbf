import { buildEvent, hashAndSignEvent, type JsonValue } from '@ganglion/protocol';
import { eventually, FarRefusal, type FarServer, MatrixUser, persistently, type TestCluster } from '@ganglion/testing';
import { ForeignServer } from './foreign-server.js';

/** Everything that dashboards show, as far as it can be made happen: people talk, servers do, and some of it goes wrong. */
export class Watched {
  #round = 0;

  private constructor(
    private readonly cluster: TestCluster,
    private readonly far: FarServer,
    private readonly alice: MatrixUser,
    private readonly roomId: string,
  ) {}

  static async begin(cluster: TestCluster, far: FarServer): Promise<Watched> {
    const alice = await MatrixUser.register(cluster.url, 'alice');
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' });
    const watched = new Watched(cluster, far, alice, roomId);
    await watched.#join(far.user('bert'));
    return watched;
  }

  /** One round of everything. */
  async round(): Promise<void> {
    const { alice, roomId } = this;
    this.#round += 1;
    const at = encodeURIComponent(roomId);
    let failing = true;
    const given = this.far.asked.length;
    this.far.answering = ({ path }) => {
      if (!path.includes('/send/')) return undefined;
      if (!failing) return { pdus: {} };
      failing = false;
      return new FarRefusal(500, { errcode: 'M_UNKNOWN', error: 'Not now' });
    };
    await alice.sendText(roomId, `round ${this.#round}`);
    await eventually(() => expect(this.far.asked.length).toBeGreaterThan(given + 1), 60_000);
    await alice.call('PUT', `rooms/${at}/state/m.room.topic`, { body: { topic: `${this.#round}` } });
    await alice.call('GET', `rooms/${at}/members`);
    const profile = `profile/${encodeURIComponent(alice.userId)}/displayname`;
    await alice.call('PUT', profile, { body: { displayname: `Alice ${this.#round}` } });
    const own = `user/${encodeURIComponent(alice.userId)}/account_data/m.test`;
    await alice.call('PUT', own, { body: { round: this.#round } });
    const { next_batch: since } = await alice.call<{ next_batch: string }>('GET', 'sync');
    const waiting = alice.call('GET', 'sync', { query: { since, timeout: 20_000 } });
    const guest = await MatrixUser.register(this.cluster.url, `guest-${this.#round}`);
    await guest.join(roomId);
    await waiting;
    await expect(guest.call('PUT', `rooms/${at}/state/m.room.name`, { body: { name: 'mine' } })).rejects.toThrow();
    await this.#receive();
  }

  /** Nobody is there to answer for rooms, for a moment; what room-servers have counted is lost. */
  async fail(): Promise<void> {
    const servers = this.cluster.replicasOf('room-server');
    await Promise.all(servers.map((server) => server.kill()));
    await expect(this.alice.sendText(this.roomId, 'nobody hears it')).rejects.toMatchObject({ status: 503 });
    await Promise.all(servers.map((server) => server.start()));
    await persistently(() => this.alice.sendText(this.roomId, `heard after round ${this.#round}`));
  }

  /** From the other server: something that is welcome, something that is not, and what it may not ask. */
  async #receive(): Promise<void> {
    const { far, cluster, roomId } = this;
    const room = await ForeignServer.in(roomId, cluster.replicasOf('room-server'), far.name);
    const pdus = ['bert', 'nobody'].map((name): JsonValue => {
      const draft = { type: 'm.room.message', sender: far.user(name), content: { body: `${this.#round}` } };
      const place = { roomId, prev_events: [room.last], auth_events: room.authEvents(draft), depth: 100 };
      const event = buildEvent({ ...draft, origin_server_ts: Date.now() }, place, room.rules);
      return hashAndSignEvent(event, room.rules, far.name, far.key).pdu as unknown as JsonValue;
    });
    await room.close();
    expect(await far.send(cluster.url, { pdus })).toMatchObject({ status: 200 });
    expect((await far.ask(cluster.url, 'GET', '/_matrix/federation/v1/event/none')).status).toBeGreaterThanOrEqual(400);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms */
  async #join(userId: string): Promise<void> {
    const { far, cluster, roomId } = this;
    const [at, who] = [encodeURIComponent(roomId), encodeURIComponent(userId)];
    const { body } = await far.ask(cluster.url, 'GET', `/_matrix/federation/v1/make_join/${at}/${who}?ver=11`);
    const room = await ForeignServer.in(roomId, cluster.replicasOf('room-server'), far.name);
    const { eventId, pdu } = hashAndSignEvent(body.event, room.rules, far.name, far.key);
    await room.close();
    const path = `/_matrix/federation/v2/send_join/${at}/${encodeURIComponent(eventId)}`;
    expect((await far.ask(cluster.url, 'PUT', path, pdu as unknown as JsonValue)).status).toBe(200);
  }
}
