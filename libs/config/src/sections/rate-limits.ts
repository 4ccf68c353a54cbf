import { z } from 'zod';
import { rateLimit } from '../values.js';

export const rateLimits = z
  .strictObject({
    enabled: z.boolean().default(true).describe('false lets everybody do everything as fast as they like.'),
    message: rateLimit(0.2, 10, 'Events sent by one user.'),
    delayed_events: rateLimit(
      20,
      500,
      'How often one user, or address, says when a delayed event is to be sent: each call of theirs does so every few seconds.',
    ),
    room_creation: rateLimit(0.05, 10, 'Rooms made by one user.'),
    joins: rateLimit(0.1, 10, 'Rooms joined by one user, and knocked at.'),
    joins_per_room: rateLimit(1, 50, 'Joins to one room.'),
    invites: rateLimit(
      0.3,
      50,
      'Invites sent by one user, those of new rooms included; no more than burst in one request.',
    ),
    invites_per_room: rateLimit(0.5, 50, 'Invites to one room.'),
    memberships: rateLimit(2, 100, 'Rooms left by one user, and people kicked, banned and unbanned.'),
    room_reads: rateLimit(20, 200, 'State, members and history of rooms read by one user.'),
    search: rateLimit(1, 20, 'Searches of one user for words in events.'),
    initial_sync: rateLimit(0.2, 20, 'Syncs of one user that begin anew or ask for all state.'),
    old_initial_sync: rateLimit(
      0.02,
      3,
      'What clients of before ask for that follow rooms without /sync: all rooms of one user in one answer, which is held in memory.',
    ),
    reports: rateLimit(0.1, 20, 'Events, rooms and users reported by one user.'),
    receipts: rateLimit(10, 200, 'Receipts and read markers set by one user.'),
    typing: rateLimit(5, 50, 'How often one user says that they are typing, or not any more.'),
    presence: rateLimit(1, 20, 'How often one user says how reachable they are.'),
    directory: rateLimit(0.5, 20, 'Changes of aliases and of the room directory by one user.'),
    public_rooms: rateLimit(1, 20, 'Pages of the room directory read by one user or address.'),
    lookups: rateLimit(
      10,
      100,
      'What anybody may ask, from one address: whether a name is free, who somebody is, where an alias leads.',
    ),
    registration: rateLimit(0.17, 3, 'Accounts made from one address.'),
    auth_sessions: rateLimit(0.2, 30, 'Interactive authentications begun at one address, as a registration is.'),
    emails: rateLimit(0.02, 5, 'E-mails asked for from one address.'),
    emails_per_recipient: rateLimit(0.01, 30, 'E-mails that are sent to one person, whoever has asked for them.'),
    emails_per_recipient_from_network: rateLimit(
      0.003,
      5,
      'E-mails that are sent to one person because one network, a /24 or a /64 of IPv6, has asked for them.',
    ),
    login: rateLimit(0.17, 5, 'Log-ins from one address.'),
    login_failed: rateLimit(0.17, 3, 'Failed log-ins to one account from one network, a /24 or a /64 of IPv6.'),
    login_failed_per_network: rateLimit(0.5, 30, 'Failed log-ins to any accounts from one network.'),
    password_failed: rateLimit(0.17, 3, 'Wrong passwords that one device gives, such as to change the password.'),
    login_tokens: rateLimit(0.05, 5, 'Tokens by which one user logs in further devices.'),
    openid: rateLimit(0.5, 20, 'OpenID tokens given to one user.'),
    refresh: rateLimit(10, 200, 'Tokens refreshed from one address.'),
    account: rateLimit(0.5, 20, 'Changes of the password and the devices of one user.'),
    account_data: rateLimit(10, 100, 'Changes of account data, filters, push rules and pushers by one user.'),
    uploads: rateLimit(2, 50, 'Files uploaded by one user, and URIs made for them.'),
    downloads: rateLimit(50, 500, 'Files and thumbnails downloaded by one user, or address where nobody is logged in.'),
    previews: rateLimit(1, 30, 'Previews of URLs asked for by one user.'),
    profile: rateLimit(0.1, 10, 'Changes of the profile of one user, which all of their rooms hear of.'),
    keys: rateLimit(20, 500, 'Requests of one user about keys: uploads, queries, claims and backups.'),
    to_device: rateLimit(50, 1_000, 'Requests of one user that send messages to devices.'),
  })
  .prefault({})
  .describe(
    'What one user, address or room may do, over all replicas: burst at once after a quiet time, per_second in the long run. Of IPv6, a /64 counts as one address.',
  );
