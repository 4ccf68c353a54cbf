import { MAX_JSON_NESTING } from '@ganglion/protocol';
import { audit } from './support/audit.js';
import { ALICE, createRoom, rulesOf, storedEvents } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

interface Hostile {
  readonly type?: string;
  readonly stateKey?: string;
  readonly contentJson?: string;
}

const sendRaw = (roomId: string, { type = 'm.room.message', stateKey, contentJson = '{}' }: Hostile) =>
  replica.rooms.sendEvent({ roomId, sender: ALICE, event: { type, stateKey, contentJson } });

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

describe.each(['1', '5', '6', '12'])('in room version %s', (version) => {
  const strict = Number(version) >= 6;

  it.each<[string, Hostile, string | undefined]>([
    ['a type with U+0000', { type: 'm.\0' }, 'M_BAD_JSON'],
    ['a state key with U+0000', { stateKey: 'a\0b' }, 'M_BAD_JSON'],
    ['a type of 256 bytes', { type: 'é'.repeat(128) }, 'M_TOO_LARGE'],
    ['a type of 255 bytes', { type: `${'é'.repeat(127)}x` }, undefined],
    ['a state key of 256 bytes', { stateKey: 'x'.repeat(256) }, 'M_TOO_LARGE'],
    ['U+0000 in a value', { contentJson: '{"body":"a\\u0000b"}' }, undefined],
    ['U+0000 in a key', { contentJson: '{"a\\u0000b":1}' }, undefined],
    ['a lone surrogate in a value', { contentJson: '{"body":"\\ud800"}' }, 'M_BAD_JSON'],
    ['a lone surrogate in a key', { contentJson: '{"\\udfff":1}' }, 'M_BAD_JSON'],
    ['a lone surrogate in the type', { type: 'm.\ud800' }, 'M_BAD_JSON'],
    ['a lone surrogate in the state key', { stateKey: '\ud800' }, 'M_BAD_JSON'],
    ['a pair of surrogates', { contentJson: '{"body":"\\ud83e\\udd8a"}' }, undefined],
    ['a float', { contentJson: '{"n":1.5}' }, strict ? 'M_BAD_JSON' : undefined],
    ['a float that is whole', { contentJson: '{"n":1.0}' }, undefined],
    ['a number of 2^53', { contentJson: '{"n":9007199254740992}' }, strict ? 'M_BAD_JSON' : undefined],
    ['a number of 2^53 - 1', { contentJson: '{"n":-9007199254740991}' }, undefined],
    ['a huge number', { contentJson: '{"n":1e300}' }, strict ? 'M_BAD_JSON' : undefined],
    ['a number beyond all', { contentJson: '{"n":1e999}' }, 'M_BAD_JSON'],
    ['minus nothing', { contentJson: '{"n":-0}' }, undefined],
    ['nesting without end', { contentJson: nested(MAX_JSON_NESTING + 1) }, 'M_BAD_JSON'],
    ['deep nesting', { contentJson: nested(100) }, undefined],
    ['64 KiB', { contentJson: `{"body":"${'x'.repeat(65_536)}"}` }, 'M_TOO_LARGE'],
    ['64 KiB only when written in UTF-8', { contentJson: `{"body":"${'€'.repeat(22_000)}"}` }, 'M_TOO_LARGE'],
    ['almost 64 KiB', { contentJson: `{"body":"${'x'.repeat(64_000)}"}` }, undefined],
    ['keys that name prototypes', { contentJson: '{"__proto__":{"a":1},"constructor":2,"toString":3}' }, undefined],
    ['__proto__ as type and state key', { type: '__proto__', stateKey: '__proto__' }, undefined],
    ['keys that look like numbers', { contentJson: '{"10":1,"9":2,"":3}' }, undefined],
  ])('%s', async (_, hostile, errcode) => {
    const roomId = await createRoom(replica, { version });
    const outcome = await sendRaw(roomId, hostile).catch((error: unknown) => error);
    const events = await storedEvents(replica.db, roomId);
    if (errcode === undefined) expect(outcome).toMatchObject({ eventId: events.at(-1)?.eventId, roomSeq: 6 });
    else expect(outcome).toMatchObject({ status: errcode === 'M_TOO_LARGE' ? 413 : 400, errcode });
    expect(events.length).toBe(errcode === undefined ? 6 : 5);
    audit(events, rulesOf(version), servers.keys);
    await sendRaw(roomId, {});
  });
});

it('what was let in comes out of the state as it went in', async () => {
  const roomId = await createRoom(replica);
  const contentJson = '{"__proto__":{"a":1},"text":"a\\u0000b\\ud83e\\udd8a","10":1,"":null,"constructor":[]}';
  await sendRaw(roomId, { type: 'm.hostile', stateKey: '__proto__', contentJson });
  const query = { roomId, userId: ALICE, type: 'm.hostile', stateKey: '__proto__' };
  const { events } = await replica.roomReads.getState(query);
  expect(JSON.parse(events[0]!.pduJson).content).toEqual(JSON.parse(contentJson));
});

it('a published room with U+0000 in its name does not hide the others from the directory', async () => {
  const name = (text: string) => ({ type: 'm.room.name', stateKey: '', content: { name: text } });
  const hostile = await createRoom(replica, { published: true, more: [name('a\0b')] });
  const plain = await createRoom(replica, { published: true, more: [name('plain')] });
  for (const searchTerm of [undefined, 'plain']) {
    const answer = await replica.roomDirectory.listPublicRooms({ limit: 10, roomTypes: [], searchTerm });
    const listed = answer.rooms.map(({ roomId }) => roomId);
    expect(listed).toContain(plain);
    expect(listed.includes(hostile)).toBe(searchTerm === undefined);
  }
});
