import { MatrixError } from '@ganglion/contracts';
import {
  domainOf,
  isJsonObject,
  isValidUserId,
  type PowerLevels,
  powerLevelsOf,
  roomsThatMayJoin,
} from '@ganglion/protocol';
import type { RoomPlan } from './placement/room-plan.js';
import type { RoomHead } from './room-head.js';

const MOST_CANDIDATES = 100;

/**
 * For a room with a restricted join rule: one of our joined users with the power to invite, provided that the joining user
 * is in one of the rooms that the rule allows. Undefined when the room's rule is another one.
 *
 * @throws MatrixError M_FORBIDDEN when the user is in none of the rooms, M_UNABLE_TO_AUTHORISE_JOIN when a user of another
 *   server may be for all we know, M_UNABLE_TO_GRANT_JOIN when nobody here may let them in
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export async function authorisingUser(
  plan: RoomPlan,
  userId: string,
  serverNames: readonly string[],
): Promise<string | undefined> {
  const { head } = plan;
  const { store } = plan.deps;
  const allowed = roomsThatMayJoin(head.event('m.room.join_rules', '')?.pdu.content, head.rules);
  if (allowed === undefined) return undefined;
  const { known, joined } = await store.sharedRooms(userId, allowed);
  if (!joined && known < allowed.size && !isOf(userId, serverNames)) {
    throw new MatrixError(400, 'M_UNABLE_TO_AUTHORISE_JOIN', 'This server is not in all of the rooms that would tell');
  }
  if (!joined) {
    throw new MatrixError(403, 'M_FORBIDDEN', 'You are in none of the rooms whose members may join this one');
  }
  const user = await inviter(plan, serverNames);
  if (user === undefined) {
    throw new MatrixError(400, 'M_UNABLE_TO_GRANT_JOIN', 'No user of this server may let others into the room');
  }
  return user;
}

/** Those who have a level of their own come first; of the others, whoever is joined will do, if all may invite. */
async function inviter(plan: RoomPlan, serverNames: readonly string[]): Promise<string | undefined> {
  const { head } = plan;
  const levels = powerLevelsOf((type, stateKey) => head.event(type, stateKey), head.rules);
  const named = usersWithLevels(head).filter((userId) => mayInvite(levels, userId) && isOf(userId, serverNames));
  await plan.load(named.map((userId) => ({ type: 'm.room.member', stateKey: userId })));
  const known = named.find((userId) => head.membership(userId) === 'join');
  if (known !== undefined || levels.forUser('') < levels.invite) return known;
  const joined = await plan.deps.store.joinedUsersOf(head.nid, serverNames, MOST_CANDIDATES);
  return joined.find((userId) => mayInvite(levels, userId));
}

function mayInvite(levels: PowerLevels, userId: string): boolean {
  return levels.forUser(userId) >= levels.invite;
}

function isOf(userId: string, serverNames: readonly string[]): boolean {
  return isValidUserId(userId) && serverNames.includes(domainOf(userId));
}

/** The users whom the power levels or the room's making name. */
function usersWithLevels(head: RoomHead): string[] {
  const create = head.event('m.room.create', '')?.pdu;
  const users = head.event('m.room.power_levels', '')?.pdu.content.users;
  const additional = create?.content.additional_creators;
  return [
    ...(create === undefined ? [] : [create.sender]),
    ...(Array.isArray(additional) ? additional.filter((user) => typeof user === 'string') : []),
    ...(isJsonObject(users) ? Object.keys(users) : []),
  ];
}
