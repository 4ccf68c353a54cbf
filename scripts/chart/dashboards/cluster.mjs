import { dashboard, lines, of, p99, rate, row } from './panel.mjs';

/** Whether all is well, and which part is not. */
export const cluster = dashboard('ganglion-cluster', 'Ganglion: cluster health', [
  row(
    'Requests',
    lines('Requests a second', 'reqps', [[rate('ganglion_http_request_seconds_count', 'service'), '{{service}}']]),
    lines(
      'Failed requests a second (5xx)',
      'reqps',
      [[rate('ganglion_http_request_seconds_count', 'service, route', 'status="5xx"'), '{{service}} {{route}}']],
      'Runbook: GanglionErrors.',
    ),
    lines('Time to answer, 99th percentile, without /sync', 's', [
      [p99('ganglion_http_request_seconds', 'service', 'route!~".*sync.*"'), '{{service}}'],
    ]),
  ),
  row(
    'Replicas',
    lines('Replicas that tell of themselves, by version', 'short', [
      [`count by (service, version) (${of('ganglion_build_info')})`, '{{service}} {{version}}'],
    ]),
    lines('CPU', 'short', [[rate('process_cpu_seconds_total', 'service'), '{{service}}']], 'Cores in use.'),
    lines(
      'Memory',
      'bytes',
      [[`max by (service) (${of('process_resident_memory_bytes')})`, '{{service}}']],
      'Of the largest replica.',
    ),
    lines('Event loop, 99th percentile', 's', [
      [`max by (service) (${of('nodejs_eventloop_lag_p99_seconds')})`, '{{service}}'],
    ]),
  ),
  row(
    'Calls between services',
    lines('Calls a second', 'reqps', [
      [rate('ganglion_rpc_server_seconds_count', 'service'), 'answered by {{service}}'],
    ]),
    lines('Time to answer, 99th percentile', 's', [[p99('ganglion_rpc_server_seconds', 'service'), '{{service}}']]),
    lines('Failed and repeated', 'reqps', [
      [rate('ganglion_rpc_client_failures_total', 'service, code'), '{{service}} {{code}}'],
      [rate('ganglion_rpc_client_retries_total', 'service'), '{{service}} tried again'],
    ]),
  ),
  row(
    'Bus',
    lines(
      'Messages that wait for their reader',
      'short',
      [[`max by (stream, durable) (${of('ganglion_bus_lag_messages')})`, '{{stream}} {{durable}}']],
      'Runbook: GanglionBusLag.',
    ),
    lines('Messages a second', 'cps', [
      [rate('ganglion_bus_published_messages_total', 'stream'), 'published {{stream}}'],
      [rate('ganglion_bus_delivered_messages_total', 'stream'), 'delivered {{stream}}'],
    ]),
    lines(
      'Tried again and set aside',
      'short',
      [
        [rate('ganglion_bus_retried_messages_total', 'stream'), 'tried again {{stream}}'],
        [
          `sum by (stream, reason) (increase(${of('ganglion_bus_parked_messages_total')}[1h]))`,
          'set aside {{stream}}: {{reason}}',
        ],
      ],
      'Runbook: GanglionParkedMessages.',
    ),
  ),
  row(
    'Database',
    lines(
      'Waiting for a connection, 99th percentile',
      's',
      [[p99('ganglion_database_acquire_seconds', 'service'), '{{service}}']],
      'Of those who found none idle. Runbook: GanglionDatabaseWaits.',
    ),
    lines('Connections', 'short', [[`sum by (service) (${of('ganglion_database_connections_total')})`, '{{service}}']]),
    lines(
      'Slow statements a second',
      'cps',
      [[rate('ganglion_database_slow_statements_total', 'service'), '{{service}}']],
      'Runbook: GanglionSlowStatements.',
    ),
    lines('Reads that a standby may answer, by who did', 'reqps', [
      [rate('ganglion_database_reads_total', 'outcome'), '{{outcome}}'],
    ]),
  ),
]);
