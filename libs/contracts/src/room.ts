export {
  type ChangeDelayedEventRequest,
  type DelayedEvent,
  DelayedEventAction,
  type DelayedEvents,
  DelayedEventsDefinition,
  type ListDelayedEventsRequest,
  type ScheduleEventRequest,
} from './gen/ganglion/room/v1/delayed_events.js';
export {
  type GetRoomBlockedRequest,
  type RoomBlocks,
  RoomBlocksDefinition,
  type SetRoomBlockedRequest,
} from './gen/ganglion/room/v1/room_blocks.js';
export type {
  AcceptMembershipRequest,
  AcceptMembershipResponse,
  BackfillRequest,
  CheckServerInRoomsRequest,
  CheckServerInRoomsResponse,
  FederationEvent,
  FederationEvents,
  FindEventAtTimestampRequest,
  FindEventAtTimestampResponse,
  GetAuthChainRequest,
  GetAuthChainResponse,
  GetEventsForServerRequest,
  GetMissingEventsRequest,
  GetStateBeforeRequest,
  GetStateBeforeResponse,
  MakeMembershipRequest,
  MakeMembershipResponse,
  RoomFederation,
  SignInviteRequest,
  SignInviteResponse,
} from './gen/ganglion/room/v1/room_federation.js';
export { RoomFederationDefinition } from './gen/ganglion/room/v1/room_federation.js';
export {
  type GetPurgeStatusRequest,
  type PurgeHistoryRequest,
  type RoomPurges,
  RoomPurgesDefinition,
} from './gen/ganglion/room/v1/room_purges.js';
export {
  type GetRoomSummariesRequest,
  type GetSpaceForServerRequest,
  type InheritAliasesRequest,
  type ListRoomAvatarsRequest,
  type ListSuccessionsRequest,
  type ListSuccessionsResponse,
  type ListVisibleUsersRequest,
  type MoveAliasesRequest,
  type RoomSummaries,
  RoomSummariesDefinition,
  type RoomSummary,
  type SearchMembersRequest,
  type Succession,
} from './gen/ganglion/room/v1/room_summaries.js';
export * from './gen/ganglion/room/v1/rooms.js';
export { publicRoomsAnswer } from './public-rooms.js';
