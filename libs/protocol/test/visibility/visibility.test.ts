import fc from 'fast-check';
import {
  type HistoryVisibility,
  mayServerSeeEvent,
  mayUserSeeEvent,
  parseHistoryVisibility,
  type UserView,
} from '../../src/index.js';

describe('the visibility that a content sets', () => {
  it.each(['world_readable', 'shared', 'invited', 'joined'])('%s', (value) => {
    expect(parseHistoryVisibility({ history_visibility: value })).toBe(value);
  });

  it.each([
    undefined,
    null,
    'joined',
    {},
    [],
    { history_visibility: 'secret' },
    { history_visibility: 1 },
    { history_visibility: ['joined'] },
  ])('shared, where it is not understood: %j', (content) => {
    expect(parseHistoryVisibility(content)).toBe('shared');
  });
});

/** One line of the table: the visibility and the membership at the event, and who of those may see it. */
const TABLE: [visibility: HistoryVisibility, membership: string | undefined, joinedLater: boolean, sees: boolean][] = [
  // Rule 1: world_readable allows everyone.
  ['world_readable', undefined, false, true],
  ['world_readable', 'leave', false, true],
  ['world_readable', 'ban', false, true],
  ['world_readable', 'knock', false, true],
  ['world_readable', 'invite', false, true],
  ['world_readable', 'join', false, true],
  // Rule 2: whoever is joined at the event is allowed.
  ['shared', 'join', false, true],
  ['invited', 'join', false, true],
  ['joined', 'join', false, true],
  // Rule 3: shared allows whoever joins at any point after the event, and nobody else.
  ['shared', undefined, true, true],
  ['shared', 'invite', true, true],
  ['shared', 'leave', true, true],
  ['shared', 'knock', true, true],
  ['shared', 'ban', true, true],
  ['shared', undefined, false, false],
  ['shared', 'invite', false, false],
  ['shared', 'leave', false, false],
  ['shared', 'knock', false, false],
  ['shared', 'ban', false, false],
  // Rule 4: invited allows whoever is invited at the event, whether or not they join later.
  ['invited', 'invite', false, true],
  ['invited', 'invite', true, true],
  // Rule 5: all else is denied.
  ['invited', undefined, true, false],
  ['invited', 'leave', true, false],
  ['invited', 'knock', true, false],
  ['invited', 'ban', true, false],
  ['joined', undefined, true, false],
  ['joined', 'invite', true, false],
  ['joined', 'leave', true, false],
  ['joined', 'knock', true, false],
  ['joined', 'ban', true, false],
];

describe.each(TABLE)('%s, membership %s, joined later: %s', (visibility, membership, joinedLater, sees) => {
  it(sees ? 'the user may see the event' : 'the user may not see the event', () => {
    expect(mayUserSeeEvent({ visibility, membershipAtEvent: membership, joinedLater })).toBe(sees);
  });

  it(sees ? 'a server with that user alone may see it' : 'a server with that user alone may not see it', () => {
    const membershipsAtEvent = membership === undefined ? [] : [membership];
    expect(mayServerSeeEvent({ visibility, membershipsAtEvent, joinedLater })).toBe(sees);
  });
});

describe('an event that changes the visibility', () => {
  const stranger = { membershipAtEvent: undefined, joinedLater: false };
  it.each<[HistoryVisibility, HistoryVisibility, boolean]>([
    ['world_readable', 'joined', true],
    ['joined', 'world_readable', true],
    ['joined', 'shared', false],
    ['invited', 'joined', false],
  ])('from %s to %s may be seen by a stranger: %s', (previousVisibility, visibility, sees) => {
    expect(mayUserSeeEvent({ ...stranger, previousVisibility, visibility })).toBe(sees);
    expect(mayServerSeeEvent({ previousVisibility, visibility, membershipsAtEvent: [], joinedLater: false })).toBe(
      sees,
    );
  });

  it.each<[HistoryVisibility, HistoryVisibility]>([
    ['shared', 'joined'],
    ['joined', 'shared'],
  ])('from %s to %s may be seen by who joins later', (previousVisibility, visibility) => {
    expect(mayUserSeeEvent({ membershipAtEvent: undefined, joinedLater: true, previousVisibility, visibility })).toBe(
      true,
    );
  });

  it.each<[HistoryVisibility, HistoryVisibility]>([
    ['invited', 'joined'],
    ['joined', 'invited'],
  ])('from %s to %s may be seen by who is invited', (previousVisibility, visibility) => {
    expect(mayUserSeeEvent({ membershipAtEvent: 'invite', joinedLater: false, previousVisibility, visibility })).toBe(
      true,
    );
  });
});

describe("the user's own membership event, where only members see history", () => {
  it.each<[string | undefined, string, boolean]>([
    [undefined, 'join', true],
    ['invite', 'join', true],
    ['leave', 'join', true],
    ['join', 'leave', true],
    ['join', 'ban', true],
    ['join', 'join', true],
    // What takes back an invite or a knock that the user was shown.
    ['invite', 'leave', true],
    ['invite', 'ban', true],
    ['knock', 'leave', true],
    ['knock', 'invite', true],
    [undefined, 'ban', false],
    ['leave', 'ban', false],
    ['ban', 'leave', false],
    [undefined, 'invite', false],
    [undefined, 'knock', false],
  ])('from %s to %s may be seen: %s', (previousMembership, membershipAtEvent, sees) => {
    expect(mayUserSeeEvent({ visibility: 'joined', previousMembership, membershipAtEvent, joinedLater: false })).toBe(
      sees,
    );
  });

  it('may be seen where it invites and the invited may see', () => {
    const view = { previousMembership: undefined, membershipAtEvent: 'invite', joinedLater: false };
    expect(mayUserSeeEvent({ ...view, visibility: 'invited' })).toBe(true);
  });

  it('may be seen by the server when it ends the membership of its last user', () => {
    const view = { visibility: 'joined', joinedLater: false } as const;
    expect(mayServerSeeEvent({ ...view, membershipsAtEvent: ['join', 'leave'] })).toBe(true);
    expect(mayServerSeeEvent({ ...view, membershipsAtEvent: ['leave'] })).toBe(false);
  });
});

describe('for every view', () => {
  const visibility = fc.constantFrom<HistoryVisibility>('world_readable', 'shared', 'invited', 'joined');
  const membership = fc.constantFrom('join', 'invite', 'knock', 'leave', 'ban');

  it('a server sees exactly what one of its users sees', () => {
    fc.assert(
      fc.property(visibility, fc.array(membership, { maxLength: 4 }), fc.boolean(), (v, memberships, joinedLater) => {
        const views: UserView[] = [undefined, ...memberships].map((membershipAtEvent) => ({
          visibility: v,
          membershipAtEvent,
          joinedLater,
        }));
        expect(mayServerSeeEvent({ visibility: v, membershipsAtEvent: new Set(memberships), joinedLater })).toBe(
          views.some(mayUserSeeEvent),
        );
      }),
    );
  });

  it('a change of visibility is never less visible than either side of it', () => {
    fc.assert(
      fc.property(visibility, visibility, membership, fc.boolean(), (a, b, membershipAtEvent, joinedLater) => {
        const user = { membershipAtEvent, joinedLater };
        const either = mayUserSeeEvent({ ...user, visibility: a }) || mayUserSeeEvent({ ...user, visibility: b });
        expect(mayUserSeeEvent({ ...user, visibility: a, previousVisibility: b })).toBe(either);
      }),
    );
  });
});
