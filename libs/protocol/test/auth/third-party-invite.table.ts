import type { JsonObject } from '../../src/index.js';
import type { AuthCase } from './check-auth.js';
import { ADMIN, MOD, member, STRANGER, sets, USER } from './room-builder.js';
import type { Rule } from './rule-table.js';

const SIGNED = { mxid: STRANGER, token: 'token', signatures: { 'id.example': { 'ed25519:0': 'signature' } } };
const invitation = (content: JsonObject) => sets(MOD, 'm.room.third_party_invite', 'token', content);
const given = [invitation({ public_key: 'right' })];
/** Stands in for Ed25519: only what was signed by the key called "right" holds. */
const options = { verifySignature: (signed: JsonObject, key: string) => signed === SIGNED && key === 'right' };
const answer = (thirdPartyInvite: JsonObject | null, sender = MOD) =>
  member(STRANGER, 'invite', sender, { third_party_invite: thirdPartyInvite });
const good = { event: answer({ signed: SIGNED }), given, options };
const bySigned = (changes: JsonObject) => answer({ signed: { ...SIGNED, ...changes } });

/** m.room.member with membership `invite` that answers a third-party invite. */
export const THIRD_PARTY_INVITE_RULES: readonly Rule<AuthCase>[] = [
  {
    numbers: 'v1-5 5.3.1.1, v6-7 4.3.1.1, v8-11 4.4.1.1, v12 5.4.1.1',
    rule: 'the target is not banned',
    allow: { 'a target who is not': good },
    refuse: {
      'a banned target': {
        event: answer({ signed: SIGNED }),
        given: [...given, member(STRANGER, 'ban', ADMIN)],
        options,
      },
    },
  },
  {
    numbers: 'v1-5 5.3.1.2, v6-7 4.3.1.2, v8-11 4.4.1.2, v12 5.4.1.2',
    rule: 'something is signed',
    allow: { 'a signed object': good },
    refuse: {
      'nothing signed': { event: answer({}), given, options },
      'signed text': { event: answer({ signed: 'signed' }), given, options },
      'a third-party invite that is null': { event: answer(null), given, options },
    },
  },
  {
    numbers: 'v1-5 5.3.1.3, v6-7 4.3.1.3, v8-11 4.4.1.3, v12 5.4.1.3',
    rule: 'a user id and a token are signed',
    allow: { both: good },
    refuse: {
      'no user id': { event: answer({ signed: { token: 'token' } }), given, options },
      'no token': { event: answer({ signed: { mxid: STRANGER } }), given, options },
      'a user id that is no string': { event: bySigned({ mxid: 1 }), given, options },
      'a token that is no string': { event: bySigned({ token: 1 }), given, options },
    },
  },
  {
    numbers: 'v1-5 5.3.1.4, v6-7 4.3.1.4, v8-11 4.4.1.4, v12 5.4.1.4',
    rule: 'the user id that is signed is the invited user’s',
    allow: { 'the user who is invited': good },
    refuse: { 'the user id of another': { event: bySigned({ mxid: USER }), given, options } },
  },
  {
    numbers: 'v1-5 5.3.1.5, v6-7 4.3.1.5, v8-11 4.4.1.5, v12 5.4.1.5',
    rule: 'the room has a third-party invite with the token',
    allow: { 'the token of the room’s': good },
    refuse: { 'another token': { event: bySigned({ token: 'other' }), given, options } },
  },
  {
    numbers: 'v1-5 5.3.1.6, v6-7 4.3.1.6, v8-11 4.4.1.6, v12 5.4.1.6',
    rule: 'who sent the third-party invite sends this one',
    allow: { 'who sent it': good },
    refuse: { 'another sender': { event: answer({ signed: SIGNED }, ADMIN), given, options } },
  },
  {
    numbers: 'v1-5 5.3.1.8, v6-7 4.3.1.8, v8-11 4.4.1.8, v12 5.4.1.8',
    rule: 'a signature was made with a public key of the third-party invite',
    allow: {
      'the single key': good,
      'one key of the list': {
        event: answer({ signed: SIGNED }),
        given: [invitation({ public_keys: [{ public_key: 'wrong' }, { public_key: 'right' }] })],
        options,
      },
      'a key of the list beside a single key that is wrong': {
        event: answer({ signed: SIGNED }),
        given: [invitation({ public_key: 'wrong', public_keys: [null, 1, {}, { public_key: 'right' }] })],
        options,
      },
      'a sender who left and has no power': {
        event: answer({ signed: SIGNED }),
        given: [...given, member(MOD, 'leave', MOD)],
        options,
      },
      'a target who is in the room': {
        event: answer({ signed: SIGNED }),
        given: [...given, member(STRANGER, 'join', STRANGER)],
        options,
      },
    },
    refuse: {
      'another key': { event: answer({ signed: SIGNED }), given: [invitation({ public_key: 'wrong' })], options },
      'no key': { event: answer({ signed: SIGNED }), given: [invitation({})], options },
      'keys that are none': {
        event: answer({ signed: SIGNED }),
        given: [invitation({ public_key: 1, public_keys: 'right' })],
        options,
      },
      'nothing that libsodium can verify': { event: answer({ signed: SIGNED }), given },
    },
  },
];
