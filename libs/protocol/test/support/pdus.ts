import type { JsonObject, Pdu, RoomVersionRules } from '../../src/index.js';

const HASH = '5jM4wQpv6lnBo7CLIghJuHdW-s2CMBJPUOGOC89ncos';

/** A well-formed message event of any room version, with the fields that a test is about. */
export function messagePdu(rules: RoomVersionRules, fields: JsonObject = {}): Pdu {
  return {
    ...(rules.eventIdFormat === 'in-event' && { event_id: '$message:example.org' }),
    room_id: rules.roomIdIsCreateHash ? `!${HASH}` : '!room:example.org',
    type: 'm.room.message',
    sender: '@alice:example.org',
    content: { msgtype: 'm.text', body: 'Hello' },
    depth: 12,
    origin_server_ts: 1_700_000_000_000,
    prev_events: [referenceTo(rules)],
    auth_events: [referenceTo(rules)],
    hashes: { sha256: HASH },
    signatures: { 'example.org': { 'ed25519:a': 'c2lnbmF0dXJl' } },
    ...fields,
  } as Pdu;
}

/** How an event of this room version refers to another. */
export function referenceTo(rules: RoomVersionRules): string | [string, { sha256: string }] {
  if (rules.eventIdFormat === 'in-event') return ['$other:example.org', { sha256: HASH }];
  return `$${rules.eventIdFormat === 'base64' ? HASH.replace('-', '/') : HASH}`;
}
