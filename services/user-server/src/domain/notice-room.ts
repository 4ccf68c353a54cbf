import { type JsonObject, roomVersionRules } from '@ganglion/protocol';

/** What a room for notices, and who sends them, look like. */
export interface NoticeRoomLooks {
  readonly displayName: string;
  readonly avatarUrl: string | undefined;
  readonly roomName: string;
}

interface InitialEvent {
  readonly type: string;
  readonly stateKey: string;
  readonly content: JsonObject;
}

const SERVER_LEVEL = 100;

/** The first events of a room in which the server alone talks. It is of this server alone, and who comes reads what was said. */
export function noticeRoomEvents(looks: NoticeRoomLooks, sender: string, roomVersion: string): InitialEvent[] {
  const rules = roomVersionRules(roomVersion)!;
  const { displayName, avatarUrl, roomName } = looks;
  const avatar = avatarUrl === undefined ? {} : { avatar_url: avatarUrl };
  const state = (type: string, content: JsonObject) => ({ type, stateKey: '', content });
  const creator = rules.implicitCreator ? {} : { creator: sender };
  const levels = ['ban', 'kick', 'invite', 'redact', 'state_default', 'events_default'] as const;
  return [
    state('m.room.create', { ...creator, room_version: roomVersion, 'm.federate': false }),
    {
      type: 'm.room.member',
      stateKey: sender,
      content: { membership: 'join', displayname: displayName, ...avatar },
    },
    state('m.room.power_levels', {
      ...Object.fromEntries(levels.map((level) => [level, SERVER_LEVEL])),
      users_default: 0,
      users: rules.privilegedCreators ? {} : { [sender]: SERVER_LEVEL },
    }),
    state('m.room.join_rules', { join_rule: 'invite' }),
    state('m.room.history_visibility', { history_visibility: 'shared' }),
    state('m.room.name', { name: roomName }),
    ...(avatarUrl === undefined ? [] : [state('m.room.avatar', { url: avatarUrl })]),
  ];
}
