import { dashboard, lines, of, p99, rate, row } from './panel.mjs';

const SYNC = 'route=~"/_matrix/client/.*/sync"';

/** Whether people learn at once of what happens. */
export const sync = dashboard('ganglion-sync', 'Ganglion: sync', [
  row(
    'Answers',
    lines(
      'Requests that wait in /sync',
      'short',
      [[`sum by (pod) (${of('ganglion_sync_waiting_requests')})`, '{{pod}}']],
      'As many as there are clients that are online. An autoscaler may go by it.',
    ),
    lines('Answers to /sync a second', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'status', SYNC), '{{status}}'],
    ]),
    lines(
      'Time to put an answer together, 99th percentile',
      's',
      [[p99('ganglion_sync_assembly_seconds', 'of'), '{{of}}']],
      'From when there is something to tell: everything for who begins, or news.',
    ),
    lines('Answers that tell of something, a second', 'reqps', [
      [rate('ganglion_sync_assembly_seconds_count', 'of'), '{{of}}'],
    ]),
  ),
  row(
    'What answers are made of',
    lines(
      'Events that sync has not read yet',
      'short',
      [
        [
          `max by (stream, durable) (${of('ganglion_bus_lag_messages', 'stream=~"room-events|user-changes"')})`,
          '{{stream}} {{durable}}',
        ],
      ],
      'What is not read yet is in nobody’s answer. Runbook: GanglionBusLag.',
    ),
    lines('Events read a second', 'cps', [
      [
        rate('ganglion_bus_delivered_messages_total', 'stream, durable', 'stream=~"room-events|user-changes"'),
        '{{stream}} {{durable}}',
      ],
    ]),
    lines('Left out because they cannot be read', 'cps', [
      [rate('ganglion_sync_unreadable_events_total', 'service'), 'events'],
      [rate('ganglion_sync_refused_receipts_total', 'service'), 'receipts'],
    ]),
    lines(
      'Changes of accounts published, by who did it',
      'cps',
      [[rate('ganglion_user_changes_published_total', 'by'), '{{by}}']],
      'The sweeper publishes what whoever made the change did not come to.',
    ),
  ),
  row(
    'Replicas',
    lines('CPU', 'short', [
      [`sum by (pod) (rate(${of('process_cpu_seconds_total', 'service="sync"')}[$__rate_interval]))`, '{{pod}}'],
    ]),
    lines('Memory', 'bytes', [[`max by (pod) (${of('process_resident_memory_bytes', 'service="sync"')})`, '{{pod}}']]),
    lines('Event loop, 99th percentile', 's', [
      [`max by (pod) (${of('nodejs_eventloop_lag_p99_seconds', 'service="sync"')})`, '{{pod}}'],
    ]),
  ),
]);
