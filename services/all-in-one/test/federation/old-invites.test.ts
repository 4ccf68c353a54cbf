import { type JsonObject, roomVersionRules, signEvent } from '@ganglion/protocol';
import { type Asked, FarRefusal } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import { inRoom, type Person } from '../support/person.js';

let neighbours: Neighbours;
let alice: Person;
beforeAll(async () => {
  neighbours = await Neighbours.meet();
  alice = await neighbours.person('alice');
});
afterAll(() => neighbours.close());

const UNRECOGNIZED = new FarRefusal(404, { errcode: 'M_UNRECOGNIZED', error: 'No such endpoint' });

/** A server that was written before invites said which version the room has. */
function answerAsOfOld(version: string, changes: object = {}) {
  const { far } = neighbours;
  return ({ path, body }: Asked): object | undefined => {
    if (path.startsWith('/_matrix/federation/v2/invite')) return UNRECOGNIZED;
    if (!path.startsWith('/_matrix/federation/v1/invite')) return undefined;
    const { unsigned, ...event } = JSON.parse(body) as JsonObject;
    expect(unsigned).toMatchObject({ invite_room_state: expect.arrayContaining([]) });
    const signed = signEvent({ ...event, ...changes } as never, roomVersionRules(version)!, far.name, far.key);
    return [200, { event: signed }];
  };
}

const invite = (roomId: string, user_id: string) => alice.post(`${inRoom(roomId)}/invite`, { user_id });
const membership = async (roomId: string, userId: string) =>
  (await alice.get(`${inRoom(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`)).body.membership;

describe('a server that knows invites in their first form alone', () => {
  it.each(['1', '2'])('is asked in that form about rooms of version %s', async (version) => {
    neighbours.far.answering = answerAsOfOld(version);
    const carl = neighbours.far.user(`carl-${version}`);
    const roomId = await alice.createRoom({ room_version: version });
    expect(await invite(roomId, carl)).toMatchObject({ status: 200 });
    expect(await membership(roomId, carl)).toBe('invite');
  });

  it('is not asked about rooms of which it can know nothing', async () => {
    neighbours.far.answering = answerAsOfOld('11');
    const carl = neighbours.far.user('carl-11');
    const roomId = await alice.createRoom({ room_version: '11' });
    expect((await invite(roomId, carl)).status).toBe(404);
    expect(await membership(roomId, carl)).toBeUndefined();
  });

  it('cannot sign another event than it was given', async () => {
    neighbours.far.answering = answerAsOfOld('1', { origin_server_ts: 1 });
    const dora = neighbours.far.user('dora');
    const roomId = await alice.createRoom({ room_version: '1' });
    expect((await invite(roomId, dora)).status).toBe(502);
    expect(await membership(roomId, dora)).toBeUndefined();
  });
});
