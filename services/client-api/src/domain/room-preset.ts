import type { JsonObject } from '@ganglion/protocol';

export type RoomPreset = 'private_chat' | 'trusted_private_chat' | 'public_chat';

/** What a preset decides. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
export interface PresetRules {
  readonly joinRule: string;
  readonly historyVisibility: string;
  readonly guestAccess: string;
  /** Everybody may invite. */
  readonly openInvites: boolean;
  /** Who is invited gets the power of the creator. */
  readonly trustsInvitees: boolean;
}

export const PRESETS: Readonly<Record<RoomPreset, PresetRules>> = {
  private_chat: {
    joinRule: 'invite',
    historyVisibility: 'shared',
    guestAccess: 'can_join',
    openInvites: true,
    trustsInvitees: false,
  },
  trusted_private_chat: {
    joinRule: 'invite',
    historyVisibility: 'shared',
    guestAccess: 'can_join',
    openInvites: true,
    trustsInvitees: true,
  },
  public_chat: {
    joinRule: 'public',
    historyVisibility: 'shared',
    guestAccess: 'forbidden',
    openInvites: false,
    trustsInvitees: false,
  },
};

/** The power levels of a new room, before what the client overrides. */
export function initialPowerLevels(
  preset: PresetRules,
  users: Readonly<Record<string, number>>,
  tombstone: number,
): JsonObject {
  return {
    users,
    users_default: 0,
    events: {
      'm.room.name': 50,
      'm.room.power_levels': 100,
      'm.room.history_visibility': 100,
      'm.room.canonical_alias': 50,
      'm.room.avatar': 50,
      'm.room.tombstone': tombstone,
      'm.room.server_acl': 100,
      'm.room.encryption': 100,
    },
    events_default: 0,
    state_default: 50,
    ban: 50,
    kick: 50,
    redact: 50,
    invite: preset.openInvites ? 0 : 50,
    historical: 100,
  };
}
