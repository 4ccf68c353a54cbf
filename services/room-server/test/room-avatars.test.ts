import { ready } from '@ganglion/protocol';
import { RoomSummaryRows } from '../src/storage/room-summary-rows.js';
import { ALICE, change, createRoom, send } from './support/room.js';
import { type Replica, RoomServers } from './support/room-servers.js';

let servers: RoomServers;
let replica: Replica;
beforeAll(async () => {
  await ready();
  servers = await RoomServers.create();
  replica = await servers.start();
});
afterAll(() => servers.close());

const uri = (name: string) => `mxc://one.test/${name}`;
const among = (...names: string[]) => new RoomSummaryRows(replica.db).avatarsAmong(names.map(uri));
const avatar = (content: object) => ({ type: 'm.room.avatar', stateKey: '', content: content as never });

describe('what rooms have as their avatars', () => {
  it('is the avatar and its thumbnail, of all rooms that ask for it once each', async () => {
    const shown = avatar({ url: uri('face'), info: { thumbnail_url: uri('small') } });
    await createRoom(replica, { more: [shown] });
    await createRoom(replica, { version: '6', more: [shown] });
    expect((await among('face', 'small', 'other')).toSorted()).toEqual([uri('face'), uri('small')]);
  });

  it('is no file that they had before, nor what messages name', async () => {
    const roomId = await createRoom(replica, { more: [avatar({ url: uri('old') })] });
    expect(await among('old', 'new')).toEqual([uri('old')]);
    await send(replica, roomId, ALICE, avatar({ url: uri('new') }));
    await send(replica, roomId, ALICE, { content: { msgtype: 'm.image', body: 'x', url: uri('picture') } });
    expect(await among('old', 'new', 'picture')).toEqual([uri('new')]);
  });

  it('is nothing once all of ours have left', async () => {
    const roomId = await createRoom(replica, { more: [avatar({ url: uri('left') })] });
    expect(await among('left')).toEqual([uri('left')]);
    await change(replica, roomId, ALICE, 'leave');
    expect(await among('left')).toEqual([]);
  });

  it('is nothing in an avatar that names none, or something else than a text', async () => {
    for (const content of [{}, { url: 5 }, { url: null, info: 'x' }])
      await createRoom(replica, { more: [avatar(content)] });
    expect(await among('5')).toEqual([]);
  });
});
