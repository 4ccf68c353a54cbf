/** What the parts of the benchmark tell each other. Everything here crosses a process boundary or ends in the JSON file. */

/** What a stretch of load did: how much was answered, how fast, and what went wrong. */
export interface Tally {
  done: number;
  errors: number;
  /** From the first request to the last answer. */
  seconds: number;
  /** Milliseconds, one for each `done`, in no particular order. */
  latencies: number[];
  /** The first error in words, for people. */
  complaint?: string;
}

/** The parts a homeserver's processes fall into. */
export type Role = 'server' | 'database' | 'bus';
export const roles: readonly Role[] = ['server', 'database', 'bus'];

/** Seconds of processor time by role. */
export type Cpu = Record<Role, number>;

/** Bytes; `pss` counts shared pages once, divided among those who share them. */
export interface Footprint {
  rss: number;
  pss: number;
  processes: number;
}
export type Memory = Record<Role, Footprint>;

export interface LoadRun extends Tally {
  kind: 'load';
  /** What the server's processes used, when they can be seen from here. */
  cpu?: Cpu;
  /** Seconds the load generator itself used. */
  loadCpu: number;
  /** Share of one core used by the processes that should have had nothing to do. */
  idleShare?: number;
}

export interface MemoryRun {
  kind: 'memory';
  memory?: Memory;
}

export type Run = LoadRun | MemoryRun;

export interface LoadSummary {
  kind: 'load';
  done: number;
  errors: number;
  rate: number;
  /** The rate of each round, to see how steady the machine was. */
  rates: number[];
  p50: number;
  p95: number;
  p99: number;
  /** Milliseconds of processor time for each thing done. */
  cpu?: Cpu & { total: number };
  /** Share of one core used by the load generator. */
  loadShare: number;
  idleShare?: number;
  complaint?: string;
}

export interface MemorySummary {
  kind: 'memory';
  memory?: Memory;
}

export type Summary = LoadSummary | MemorySummary;

/** How much of everything to do. */
export interface Plan {
  rounds: number;
  /** How long each round of a closed loop lasts. */
  seconds: number;
  /** Members of each village room, and accounts that have all of them. */
  villagers: number;
  villageRooms: number;
  /** Messages in each village room. */
  villageMessages: number;
  /** Rooms of somebody who is in few, and of somebody who is in many. */
  fewRooms: number;
  manyRooms: number;
  /** Members of the room in which all type and read. */
  throng: number;
  /** Rooms that the sends "over many rooms" go round. */
  plots: number;
  /** Messages whose way to the readers is timed in a round. */
  deliveries: number;
  /** Long-polling readers. */
  readers: number;
  /** Rooms that everybody joins in a round. */
  joinRooms: number;
  /** One-time keys that are claimed in a round. */
  claims: number;
  /** Members of the room whose keys are asked for. */
  keyOwners: number;
  /** Bytes of a small file, and of a large one. */
  smallFile: number;
  largeFile: number;
  /** Large files on their way at once while memory is looked at. */
  filesAtOnce: number;
  /** Events a second while an idle replica is watched. */
  pace: number;
  /** Seconds of load before the first round, which do not count. */
  warmUp: number;
  /** Milliseconds: after a load, for what the server still does for it. */
  settle: number;
  /** Milliseconds: between two messages whose delivery is timed, so that on any server all readers wait again. */
  interval: number;
  /** Milliseconds: until a message that has not arrived counts as lost. */
  patience: number;
  /** Milliseconds: of quiet before memory is looked at in the end. */
  calm: number;
}

/** One homeserver under load. */
export interface Target {
  name: string;
  url: string;
  sharedSecret?: string;
  pids: number[];
  idlePids: number[];
  roomVersion?: string;
}

/** One row of the report: what was measured, and what each target made of it. */
export interface Result {
  id: string;
  title: string;
  /** What the ratio and the first chart speak of. */
  headline: 'rate' | 'p50' | 'memory' | 'idle';
  sides: Summary[];
}
