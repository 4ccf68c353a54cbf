// What two homeservers have to be able to do with each other: each for somebody `here`, who makes the room, and somebody `there`.
import { check, eventually } from './person.mjs';

const encoded = encodeURIComponent;
const joinRules = (content) => ({ type: 'm.room.join_rules', state_key: '', content });

async function talk({ here, there }, version) {
  const roomId = await here.createRoom({ preset: 'public_chat', room_version: version, name: 'Talk' });
  await here.say(roomId, 'before');
  await there.join(roomId, here.server);
  await here.becomes(roomId, there.userId, 'join');
  await here.say(roomId, 'from here');
  await there.hears(roomId, 'before', 'from here');
  await there.say(roomId, 'from there');
  await here.hears(roomId, 'from there');
  return roomId;
}

async function invite({ here, there }) {
  const roomId = await here.createRoom({ preset: 'private_chat', invite: [there.userId] });
  await there.isInvited(roomId);
  await there.join(roomId, here.server);
  await here.becomes(roomId, there.userId, 'join');
  const other = await here.createRoom({ preset: 'private_chat', invite: [there.userId] });
  await there.isInvited(other);
  await there.must('POST', `rooms/${encoded(other)}/leave`, {});
  await here.becomes(other, there.userId, 'leave');
}

async function knock({ here, there }) {
  const roomId = await here.createRoom({ initial_state: [joinRules({ join_rule: 'knock' })], room_version: '10' });
  await there.must('POST', `knock/${encoded(roomId)}?via=${here.server.name}&server_name=${here.server.name}`, {});
  await here.becomes(roomId, there.userId, 'knock');
  await here.must('POST', `rooms/${encoded(roomId)}/invite`, { user_id: there.userId });
  await there.isInvited(roomId);
  await there.join(roomId, here.server);
  await here.becomes(roomId, there.userId, 'join');
}

async function restricted({ here, there }) {
  const space = await here.createRoom({ preset: 'public_chat' });
  const allow = [{ type: 'm.room_membership', room_id: space }];
  const rules = joinRules({ join_rule: 'restricted', allow });
  const roomId = await here.createRoom({ initial_state: [rules], room_version: '11' });
  const path = `join/${encoded(roomId)}?via=${here.server.name}&server_name=${here.server.name}`;
  const { status } = await there.ask('POST', path, {});
  check(status === 403, `who is in no room that is allowed is answered ${status}`);
  await there.join(space, here.server);
  await here.becomes(space, there.userId, 'join');
  await there.join(roomId, here.server);
  await here.becomes(roomId, there.userId, 'join');
}

async function redact({ here, there }) {
  const roomId = await talk({ here, there }, '11');
  const eventId = await here.say(roomId, 'a mistake');
  await there.hears(roomId, 'a mistake');
  await here.must('PUT', `rooms/${encoded(roomId)}/redact/${encoded(eventId)}/1`, { reason: 'wrong' });
  await eventually(async () => {
    const event = await there.must('GET', `rooms/${encoded(roomId)}/event/${encoded(eventId)}`);
    check(event.content.body === undefined, 'what was redacted is still read');
  });
}

async function pass({ here, there }) {
  const roomId = await talk({ here, there }, '11');
  const eventId = await here.say(roomId, 'read this');
  await there.hears(roomId, 'read this');
  await there.must('POST', `rooms/${encoded(roomId)}/receipt/m.read/${encoded(eventId)}`, {});
  const typing = `rooms/${encoded(roomId)}/typing/${encoded(there.userId)}`;
  await there.must('PUT', typing, { typing: true, timeout: 60_000 });
  const told = async (type) => {
    const { rooms } = await here.sync();
    return JSON.stringify((rooms?.join?.[roomId]?.ephemeral?.events ?? []).filter((event) => event.type === type));
  };
  await eventually(async () => check((await told('m.typing')).includes(there.userId), 'nobody is seen typing'));
  await eventually(async () => check((await told('m.receipt')).includes(eventId), 'there is no receipt'));
}

async function presence({ here, there }) {
  await talk({ here, there }, '11');
  const status_msg = `as ${here.server.what} says`;
  await here.must('PUT', `presence/${encoded(here.userId)}/status`, { presence: 'unavailable', status_msg });
  await eventually(async () => {
    const { body } = await there.ask('GET', `presence/${encoded(here.userId)}/status`);
    check(body.status_msg === status_msg, 'what somebody says of themselves is not told');
  });
}

async function devices({ here, there }) {
  await talk({ here, there }, '11');
  const since = (await there.sync()).next_batch;
  const keys = { [`ed25519:${here.deviceId}`]: 'lemLRBUtmFNtYZtmHJeSFJ0p9Ip/dzM2qFr6sBPOeZM' };
  const device_keys = { user_id: here.userId, device_id: here.deviceId, algorithms: ['m.olm.v1'], keys };
  const signatures = { [here.userId]: { [`ed25519:${here.deviceId}`]: 'A'.repeat(86) } };
  // Not every server looks at what nobody can have signed; then there is nothing to be told of.
  const { status } = await here.ask('POST', 'keys/upload', { device_keys: { ...device_keys, signatures } });
  if (status !== 200) await here.must('PUT', `devices/${here.deviceId}`, { display_name: 'renamed' });
  const message = { messages: { [there.userId]: { [there.deviceId]: { hello: 'there' } } } };
  await here.must('PUT', `sendToDevice/m.test/${here.deviceId}`, message);
  await eventually(async () => {
    const { to_device, device_lists } = await there.sync(`&since=${since}`);
    check(JSON.stringify(to_device ?? {}).includes('hello'), 'the device has no message');
    if (status === 200) check(device_lists?.changed?.includes(here.userId), 'no change of devices is told');
  });
}

/** A picture of one colour, 200 × 100 pixels. */
const PICTURE = Buffer.from(
  [
    'iVBORw0KGgoAAAANSUhEUgAAAMgAAABkCAIAAABM5OhcAAAAzElEQVR42u3SMQ0AAAgEsdeEJsQiCxMMDE2q4HKZajgXCTAWxsJYYCyMhbHAWB',
    'gLY4GxMBbGAmNhLIwFxsJYGAuMhbEwFhgLY2EsMBbGwlhgLIyFscBYGAtjgbEwFsYCY2EsjAXGwlgYC4yFsTAWGAtjYSwwFsbCWGAsjIWxwFgY',
    'C2OBsTAWxgJjYSyMBcbCWBgLjIWxMBYYC2NhLDAWxsJYYCyMhbHAWBgLY4GxMBbGAmNhLIyFsVTAWBgLY4GxMBbGAmNhLIwFxuK3BYcw1fdc9I',
    'JmAAAAAElFTkSuQmCC',
  ].join(''),
  'base64',
);

async function files({ here, there }) {
  const text = Buffer.from('what is in a file '.repeat(100_000));
  const uri = await here.upload(text, 'text/plain', 'ein Brief — “é”.txt');
  const got = await eventually(() => there.download(uri));
  check(got.bytes.equals(text), 'a file has arrived changed');
  check(got.headers.get('content-type').startsWith('text/plain'), `it came as ${got.headers.get('content-type')}`);
  const disposition = got.headers.get('content-disposition');
  check(decodeURIComponent(disposition).includes('“é”'), `its name came as ${disposition}`);
  check((await there.download(uri)).bytes.equals(text), 'it is another one the second time');
  const picture = await here.upload(PICTURE, 'image/png', 'a picture.png');
  const { headers, bytes } = await eventually(() =>
    there.download(picture, 'thumbnail', '?width=32&height=32&method=crop'),
  );
  check(headers.get('content-type').startsWith('image/') && bytes.length > 50, 'no thumbnail has arrived');
  // Thumbnails are asked for first, and the picture is there all the same.
  check((await there.download(picture)).bytes.equals(PICTURE), 'a picture has arrived changed');
}

/** By what they are called. */
export const SCENARIOS = {
  ...Object.fromEntries(
    ['10', '11', '12'].map((version) => [`talk in a room of version ${version}`, (both) => talk(both, version)]),
  ),
  'invites are accepted and declined': invite,
  'a knock is answered': knock,
  'members of one room come into another': restricted,
  'what is redacted is gone': redact,
  'receipts and typing': pass,
  presence,
  'device lists and messages to devices': devices,
  'files and thumbnails': files,
};

/** Both go on without the other, and come to the same after that. */
export async function fork(rooms, [one, other]) {
  await one.server.stop();
  for (const { roomId } of rooms) {
    await other.say(roomId, 'alone at the other');
    await other.setState(roomId, 'm.room.topic', { topic: 'of the other' }).catch(() => {});
  }
  await other.server.stop();
  await one.server.start();
  for (const { roomId } of rooms) {
    await one.say(roomId, 'alone at the one');
    await one.setState(roomId, 'm.room.topic', { topic: 'of the one' }).catch(() => {});
  }
  await other.server.start();
  return rooms.map(({ name, roomId }) => [name, () => heal(roomId, one, other)]);
}

async function heal(roomId, one, other) {
  await one.say(roomId, 'here again');
  await other.hears(roomId, 'alone at the one', 'here again');
  await other.say(roomId, 'me too');
  await one.hears(roomId, 'alone at the other', 'me too');
  await eventually(async () => {
    const states = await Promise.all([one, other].map((person) => person.state(roomId)));
    check(states[0].join() === states[1].join(), 'they do not agree on the state');
    const events = await Promise.all([one, other].map((person) => person.history(roomId)));
    const [ids, others] = events.map((list) =>
      list
        .map(({ event_id }) => event_id)
        .sort()
        .join(),
    );
    check(ids === others, 'they do not have the same events');
  });
}
