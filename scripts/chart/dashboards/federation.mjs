import { dashboard, lines, of, p99, rate, row } from './panel.mjs';

const OF_OTHERS = 'route=~"/_matrix/(federation|key)/.*"';
const TRANSACTIONS = 'route="/_matrix/federation/v1/send/:txnId"';

/** What goes to other servers, and what comes from them. */
export const federation = dashboard('ganglion-federation', 'Ganglion: federation', [
  row(
    'To other servers',
    lines('Transactions sent a second, by what became of them', 'cps', [
      [rate('ganglion_federation_sent_transactions_total', 'outcome'), '{{outcome}}'],
    ]),
    lines(
      'Servers that have not got everything',
      'short',
      [[`max by (state) (${of('ganglion_federation_destinations')})`, '{{state}}']],
      'Waiting: something is on its way. Away: not reached the last time; tried again less and less often, for a month.',
    ),
    lines(
      'Share of transactions that failed',
      'percentunit',
      [
        [
          `${rate('ganglion_federation_sent_transactions_total', 'service', 'outcome="failed"')} / ${rate('ganglion_federation_sent_transactions_total', 'service')}`,
          'failed',
        ],
      ],
      'Many servers of the network are away at any time: watch the change, not the level.',
    ),
  ),
  row(
    'From other servers',
    lines('Events of other servers a second, by what became of them', 'cps', [
      [rate('ganglion_room_events_total', 'status', 'of="others"'), '{{status}}'],
    ]),
    lines('Transactions received a second', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'status', TRANSACTIONS), '{{status}}'],
    ]),
    lines('Time to take in a transaction, 99th percentile', 's', [
      [p99('ganglion_http_request_seconds', 'route', TRANSACTIONS), '{{route}}'],
    ]),
    lines('Requests of other servers a second', 'reqps', [
      [rate('ganglion_http_request_seconds_count', 'route', OF_OTHERS), '{{route}}'],
    ]),
    lines('Time to answer them, 99th percentile', 's', [
      [p99('ganglion_http_request_seconds', 'route', OF_OTHERS), '{{route}}'],
    ]),
    lines('Refused and failed', 'reqps', [
      [
        rate('ganglion_http_request_seconds_count', 'route, status', `status=~"[45]xx",${OF_OTHERS}`),
        '{{status}} {{route}}',
      ],
    ]),
  ),
  row(
    'Replicas',
    lines('CPU', 'short', [
      [
        `sum by (pod) (rate(${of('process_cpu_seconds_total', 'service="federation-api"')}[$__rate_interval]))`,
        '{{pod}}',
      ],
    ]),
    lines('Memory', 'bytes', [
      [`max by (pod) (${of('process_resident_memory_bytes', 'service="federation-api"')})`, '{{pod}}'],
    ]),
    lines('Waiting for a connection to PostgreSQL, 99th percentile', 's', [
      [p99('ganglion_database_acquire_seconds', 'pod', 'service="federation-api"'), '{{pod}}'],
    ]),
  ),
]);
