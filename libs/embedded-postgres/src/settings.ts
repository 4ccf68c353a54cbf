/** PostgreSQL's settings, for one homeserver on one machine. What is committed is on the disk. */
const SETTINGS: Readonly<Record<string, string>> = {
  synchronous_commit: 'on',
  shared_buffers: '128MB',
  // Each that may come takes memory from the start.
  max_connections: '100',
  jit: 'off',
  // Statements are short; a parallel plan would only take the other requests' CPU.
  max_parallel_workers_per_gather: '0',
  random_page_cost: '1.1',
  // Nobody replicates from it, so that the log need not hold what only a replica wants.
  wal_level: 'minimal',
  max_wal_senders: '0',
  wal_buffers: '4MB',
  // Three processes fewer: what is read is mostly in memory.
  io_method: 'sync',
  max_logical_replication_workers: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  logging_collector: 'off',
  // Errors of statements are for whoever sent them.
  log_min_messages: 'fatal',
  log_checkpoints: 'off',
  lc_messages: 'C',
  cluster_name: 'ganglion',
};

export interface Listening {
  /** A port on 127.0.0.1. */
  readonly port?: number;
  /** A folder for a Unix socket. */
  readonly socketDir?: string;
}

/** The arguments that start `postgres`. */
export function serverArguments(
  dataDir: string,
  { port, socketDir }: Listening,
  extra: Record<string, string>,
): string[] {
  const settings = {
    ...SETTINGS,
    port: String(port ?? 5432),
    listen_addresses: port === undefined ? '' : '127.0.0.1',
    unix_socket_directories: socketDir ?? '',
    ...extra,
  };
  return ['-D', dataDir, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
