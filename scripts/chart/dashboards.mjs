import { cluster } from './dashboards/cluster.mjs';
import { federation } from './dashboards/federation.mjs';
import { rooms } from './dashboards/rooms.mjs';
import { sync } from './dashboards/sync.mjs';

/** Grafana's dashboards of the chart, by their names. */
export const DASHBOARDS = { cluster, rooms, sync, federation };
