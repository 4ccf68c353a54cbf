import { eventually, startTestCluster, type TestCluster } from '@ganglion/testing';
import { AppUser } from './support/app-user.js';
import { cryptoOf } from './support/encrypting-app.js';
import { withComplaints } from './support/silence.js';

const PEOPLE = 20;
const SPEAKERS = 5;
const ENCRYPTION = { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
const PATIENCE_MS = 120_000;
const LONG_MS = 300_000;

let cluster: TestCluster;
const people: AppUser[] = [];

beforeAll(async () => {
  cluster = await startTestCluster();
}, LONG_MS);
afterAll(async () => {
  for (const person of people) person.close();
  await cluster?.close();
}, LONG_MS);

/** What they say is sent again until it is, as somebody does who sees that it was not. */
async function say(speaker: AppUser, roomId: string, text: string): Promise<void> {
  const txnId = speaker.client.makeTxnId();
  const content = { msgtype: 'm.text', body: text } as never;
  const sendAgain = async () => {
    const unsent = speaker
      .room(roomId)
      .getPendingEvents()
      .find((event) => event.getContent().body === text);
    if (unsent === undefined) await speaker.client.sendMessage(roomId, content, txnId);
    else await speaker.client.resendEvent(unsent, speaker.room(roomId));
  };
  await eventually(sendAgain, PATIENCE_MS);
}

/** An app encrypts for the devices that it has heard of; what it says before is not for others. */
async function knowsAllDevices(speaker: AppUser): Promise<void> {
  const devices = await cryptoOf(speaker).getUserDeviceInfo(people.map(({ userId }) => userId));
  expect(people.map(({ userId }) => userId).filter((userId) => devices.get(userId)?.size !== 1)).toEqual([]);
}

/** What somebody does not read; their apps try again and again whatever they cannot decrypt yet. */
function unread(roomId: string, texts: readonly string[]): string[] {
  return people.flatMap((person) => {
    const read = new Set(person.events(roomId).map((event) => event.isEncrypted() && event.getContent().body));
    return texts.filter((text) => !read.has(text)).map((text) => `${person.userId} does not read: ${text}`);
  });
}

it(
  'a room of twenty reads all that is said in it, though a key server and a sync server die in the middle',
  () =>
    cluster.explaining(() =>
      withComplaints(async () => {
        for (let n = 0; n < PEOPLE; n++) {
          people.push(
            await (await AppUser.register(cluster.url, `person-${n}`)).openEncrypted({ lazyLoadMembers: false }),
          );
        }
        const [owner, ...guests] = people as [AppUser, ...AppUser[]];
        const { room_id: roomId } = await owner.client.createRoom({
          ...{ preset: 'public_chat' as never, initial_state: [ENCRYPTION] },
        });
        await Promise.all(guests.map(({ client }) => client.joinRoom(roomId)));
        await Promise.all(people.map((person) => eventually(() => person.sees('join', roomId), PATIENCE_MS)));
        const speakers = people.slice(0, SPEAKERS);
        await Promise.all(speakers.map((speaker) => eventually(() => knowsAllDevices(speaker), PATIENCE_MS)));
        // Whoever speaks first claims a key of each device, and sends each what it needs to read.
        const begun = speakers.map((speaker, n) => say(speaker, roomId, `${n} speaks`));
        const dying = [cluster.replicasOf('key-server')[0]!, cluster.replicasOf('sync')[0]!];
        await Promise.all(dying.map((replica) => replica.kill()));
        await Promise.all(begun);
        // Of two keys to one session that come in one answer, matrix-sdk-crypto may keep the worse: they read this first.
        const beginnings = speakers.map((_, n) => `${n} speaks`);
        await eventually(() => expect(unread(roomId, beginnings)).toEqual([]), PATIENCE_MS);
        await Promise.all(speakers.map((speaker, n) => say(speaker, roomId, `${n} goes on without them`)));
        await Promise.all(dying.map((replica) => replica.start()));
        await Promise.all(speakers.map((speaker, n) => say(speaker, roomId, `${n} speaks of other things`)));
        await say(owner, roomId, 'That is all');
        const said = speakers.flatMap((_, n) => [
          ...[`${n} speaks`, `${n} goes on without them`, `${n} speaks of other things`],
        ]);
        await eventually(() => expect(unread(roomId, ['That is all'])).toEqual([]), PATIENCE_MS);
        // Who was away for long has a gap, and scrolls up.
        await Promise.all(people.map((person) => eventually(() => person.scrollToTheTop(roomId), PATIENCE_MS)));
        await eventually(() => expect(unread(roomId, said)).toEqual([]), PATIENCE_MS);
      }),
    ),
  LONG_MS,
);
