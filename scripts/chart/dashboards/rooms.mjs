import { dashboard, lines, p99, rate, row } from './panel.mjs';

const IN_ROOMS = 'route=~"/_matrix/client/.*/rooms/.*"';
const SENDING = 'method="PUT",route=~"/_matrix/client/.*/rooms/.*/(send|state)/.*"';
const MEMBERSHIP =
  'method="POST",route=~"/_matrix/client/.*/(join|leave|invite|kick|ban|unban|knock|forget|createRoom).*"';
const OF_ROOM_SERVERS = 'exported_service=~"ganglion.room.v1.*"';

/** What happens in rooms, and how long it takes. */
export const rooms = dashboard('ganglion-rooms', 'Ganglion: rooms', [
  row(
    'Events',
    lines(
      'Events that rooms get, a second',
      'cps',
      [[rate('ganglion_room_events_total', 'of', 'status="accepted"'), 'of {{of}}']],
      'By whose users they are of: of us, or of other servers.',
    ),
    lines(
      'Events that nobody sees',
      'cps',
      [[rate('ganglion_room_events_total', 'of, status', 'status!="accepted"'), '{{status}}, of {{of}}']],
      'Rejected by the rules of the room, soft-failed, or without a place in the room yet.',
    ),
    lines('Events published to the other services', 'cps', [
      [rate('ganglion_bus_published_messages_total', 'stream', 'stream="room-events"'), 'messages of {{stream}}'],
    ]),
  ),
  row(
    'What people do',
    lines('Messages and state sent a second', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'status', SENDING), '{{status}}'],
    ]),
    lines('Time until what is sent is acknowledged, 99th percentile', 's', [
      [p99('ganglion_http_request_seconds', 'route', SENDING), '{{route}}'],
    ]),
    lines('Rooms made, entered, left', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'route', MEMBERSHIP), '{{route}}'],
    ]),
    lines('Reads of rooms a second', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'route', `method="GET",${IN_ROOMS}`), '{{route}}'],
    ]),
    lines('Time to read of rooms, 99th percentile', 's', [
      [p99('ganglion_http_request_seconds', 'route', `method="GET",${IN_ROOMS}`), '{{route}}'],
    ]),
    lines('Refused and failed', 'reqps', [
      [
        rate('ganglion_http_request_seconds_count', 'route, status', `status=~"[45]xx",${IN_ROOMS}`),
        '{{status}} {{route}}',
      ],
    ]),
  ),
  row(
    'Room-servers',
    lines('Calls a second', 'reqps', [
      [rate('ganglion_rpc_server_seconds_count', 'method', OF_ROOM_SERVERS), '{{method}}'],
    ]),
    lines('Time to answer, 99th percentile', 's', [
      [p99('ganglion_rpc_server_seconds', 'method', OF_ROOM_SERVERS), '{{method}}'],
    ]),
    lines('Calls that failed', 'reqps', [
      [rate('ganglion_rpc_server_failures_total', 'method, code', OF_ROOM_SERVERS), '{{method}} {{code}}'],
    ]),
  ),
]);
