import { databaseIsRestored, databaseRestarts } from './database.ts';
import { installs } from './install.ts';
import { tellsMetrics } from './metrics.ts';
import { natsIsGone } from './nats.ts';
import { nodeDies, nodesAreDrained } from './nodes.ts';
import { scales } from './scale.ts';
import type { Scenario } from './scenario.ts';
import { uninstalls } from './uninstall.ts';
import { invalidConfiguration, rollsBack, sideBySide, upgrades } from './upgrade.ts';

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  installs,
  tellsMetrics,
  upgrades,
  rollsBack,
  sideBySide,
  invalidConfiguration,
  scales,
  nodesAreDrained,
  nodeDies,
  natsIsGone,
  databaseRestarts,
  databaseIsRestored,
  uninstalls,
];
