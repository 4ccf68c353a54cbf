import type { Asked, FarServer } from '@ganglion/testing';
import { Neighbours } from '../support/federation.js';
import { type Answer, inRoom, type Person } from '../support/person.js';

const DIRECTORY = '/_matrix/federation/v1/query/directory';

let neighbours: Neighbours;
let far: FarServer;
let alice: Person;
let roomId: string;
/** What leads where, at the other server. */
const rooms = new Map<string, string>();

beforeAll(async () => {
  neighbours = await Neighbours.meet();
  far = neighbours.far;
  alice = await neighbours.person('alice');
  far.answering = ({ path }: Asked) => {
    if (!path.startsWith(DIRECTORY)) return undefined;
    const target = rooms.get(new URLSearchParams(path.slice(path.indexOf('?'))).get('room_alias') ?? '');
    return target === undefined ? undefined : { room_id: target, servers: [far.name] };
  };
});
afterAll(() => neighbours.close());
beforeEach(async () => {
  roomId = await alice.createRoom({ preset: 'public_chat' });
});

const questions = () => far.asked.filter(({ path }) => path.startsWith(DIRECTORY)).length;
const put = (content: object) => alice.put(`${inRoom(roomId)}/state/m.room.canonical_alias`, content);
const refusal = ({ status, body }: Answer) => [status, body.errcode];

describe('an alias of another server', () => {
  it('may be a name of the room that it leads to, and stays one when its server does not know it any more', async () => {
    const [main, other] = [`#main:${far.name}`, `#other:${far.name}`];
    rooms.set(main, roomId).set(other, roomId);
    expect((await put({ alias: main, alt_aliases: [other] })).status).toBe(200);
    rooms.clear();
    const asked = questions();
    expect((await put({ alias: main })).status).toBe(200);
    expect(questions()).toBe(asked);
    expect(await alice.must('GET', `${inRoom(roomId)}/state/m.room.canonical_alias`)).toEqual({ alias: main });
  });

  it('is none of a room that it does not lead to', async () => {
    rooms.set(`#elsewhere:${far.name}`, '!elsewhere:one.test');
    expect(refusal(await put({ alias: `#elsewhere:${far.name}` }))).toEqual([400, 'M_BAD_ALIAS']);
    expect(refusal(await put({ alt_aliases: [`#nowhere:${far.name}`] }))).toEqual([400, 'M_BAD_ALIAS']);
    const many = Array.from({ length: 21 }, (_, n) => `#many-${n}:${far.name}`);
    for (const alias of many) rooms.set(alias, roomId);
    expect(refusal(await put({ alt_aliases: many }))).toEqual([400, 'M_BAD_ALIAS']);
    expect((await put({ alt_aliases: many.slice(1) })).status).toBe(200);
  });
});
