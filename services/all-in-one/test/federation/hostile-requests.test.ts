import { CanonicalJsonError, type JsonValue } from '@ganglion/protocol';
import type { FarRoom } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import { FEDERATION_EXAMPLES, type FederationScene } from '../support/federation-examples.js';
import { type HostileRequest, hostileRequests, oddRequests, pathOf } from '../support/hostile-input.js';
import { type Answer, exchange } from '../support/person.js';
import type { Example } from '../support/scene.js';

let neighbours: Neighbours;
let scene: FederationScene;
let room: FarRoom;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  const alice = await neighbours.person('alice');
  room = await neighbours.farRoom(alice);
  const eventId = room.tips[0]!;
  const ours = await alice.createRoom({ room_alias_name: 'ours' });
  expect(ours).toBeDefined();
  scene = {
    ...{ roomId: room.roomId, eventId, userId: alice.userId, remoteUserId: room.creator },
    roomAlias: '#ours:one.test',
  };
}, 120_000);
afterAll(() => neighbours.close());

/** As the other server would send it, whatever it is. */
function send(method: string, { path, body }: Omit<HostileRequest, 'what'>): Promise<Answer> {
  const content = typeof body === 'string' || Buffer.isBuffer(body) ? parsed(String(body)) : (body as JsonValue);
  const authorization = signatureOf(method, path, content);
  return exchange(neighbours.url, method, path, { body, headers: { authorization } });
}

/** What has no canonical form cannot be signed. */
function signatureOf(method: string, path: string, content: JsonValue | undefined): string {
  try {
    return neighbours.far.authorization(method, path, content);
  } catch (error) {
    if (error instanceof CanonicalJsonError) return neighbours.far.authorization(method, path);
    throw error;
  }
}

function parsed(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text.toWellFormed()) as JsonValue;
  } catch {
    return undefined;
  }
}

const isRefusal = ({ status, body }: Answer) => status >= 400 && status < 500 && typeof body.errcode === 'string';
/** What may be there more than once. */
const SEVERAL = /^(v|ver) twice$/;

describe.each(Object.entries(FEDERATION_EXAMPLES))('%s', (route, makeExample) => {
  const method = route.slice(0, route.indexOf(' '));
  const report = (what: string, { status, body }: Answer) => `${what}: ${status} ${JSON.stringify(body).slice(0, 100)}`;

  it('answers who signs what it is made for', async () => {
    const example: Example = makeExample(scene);
    const answer = await send(method, { path: pathOf(route, example), body: example.body });
    expect(report('', answer)).toContain(`: ${example.status ?? 200} `);
  });

  it('refuses what is hostile, and signed', async () => {
    const accepted: string[] = [];
    for (const request of hostileRequests(route, makeExample(scene))) {
      if (SEVERAL.test(request.what) || isInList(route, request.what)) continue;
      const answer = await send(method, request);
      if (!isRefusal(answer)) accepted.push(report(request.what, answer));
    }
    expect(accepted).toEqual([]);
  });

  it('knows what it does with what is odd, and signed', async () => {
    const failed: string[] = [];
    for (const request of oddRequests(route, makeExample(scene))) {
      const answer = await send(method, request);
      if (answer.status !== 200 && !isRefusal(answer)) failed.push(report(request.what, answer));
    }
    expect(failed).toEqual([]);
  });
});

/** What is in the lists of a transaction is looked at one by one. */
function isInList(route: string, what: string): boolean {
  return route.includes('/send/:txnId') && what.startsWith('edus.');
}
