/** Every measurement by name, in the order in which they run; they build on what those before left in the rooms. */
export const measureIds = [
  'memory-idle',
  'sends-many-1',
  'sends-many-16',
  'sends-many-64',
  'sends-one-1',
  'sends-one-16',
  'sends-one-64',
  'delivery',
  'sync-empty',
  'sync-busy',
  'sync-initial',
  'sync-lazy',
  'joins-one',
  'joins-many',
  'messages',
  'keys-claim',
  'keys-query',
  'to-device',
  'replica',
  'memory-after',
] as const;

export type MeasureId = (typeof measureIds)[number];
