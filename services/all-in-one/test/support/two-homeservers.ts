import { Authority, eventually } from '@ganglion/testing';
import { FederatedHomeserver } from './federated-homeserver.js';
import type { Person } from './person.js';

/** The machine may be slow, and servers try again. */
const PATIENCE_MS = 90_000;
export const LONG_MS = 240_000;

/** Two homeservers that find each other, with somebody on each. */
export class TwoHomeservers {
  private constructor(
    private readonly authority: Authority,
    readonly here: FederatedHomeserver,
    readonly there: FederatedHomeserver,
    readonly anna: Person,
    readonly bert: Person,
  ) {}

  static async start(): Promise<TwoHomeservers> {
    const authority = await Authority.create('the internet');
    const start = () => FederatedHomeserver.start(authority);
    const [here, there] = await Promise.all([start(), start()]);
    return new TwoHomeservers(authority, here, there, await here.person('anna'), await there.person('bert'));
  }

  async close(): Promise<void> {
    await Promise.all([this.here.close(), this.there.close()]);
    this.authority.end();
  }
}

const encoded = encodeURIComponent;

/** What somebody has been told in a room, oldest first. */
export async function heard(person: Person, roomId: string): Promise<string[]> {
  const { body } = await person.get(`rooms/${encoded(roomId)}/messages?dir=b&limit=100`);
  const events: { type: string; content: { body?: string } }[] = body.chunk ?? [];
  return events
    .filter(({ type }) => type === 'm.room.message')
    .map(({ content }) => content.body ?? '')
    .reverse();
}

export async function membershipOf(asking: Person, roomId: string, userId: string): Promise<string | undefined> {
  const { body } = await asking.get(`rooms/${encoded(roomId)}/state/m.room.member/${encoded(userId)}`);
  return body.membership;
}

/** Resolves when that is so, however slow the machine is. */
export const soon = (expectations: () => unknown) => eventually(expectations, PATIENCE_MS);

export async function join(person: Person, roomIdOrAlias: string, via: FederatedHomeserver): Promise<void> {
  const answer = await person.post(`join/${encoded(roomIdOrAlias)}?via=${encoded(via.name)}`);
  expect(answer).toMatchObject({ status: 200 });
}
