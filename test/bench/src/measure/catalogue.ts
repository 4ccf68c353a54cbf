import { delivery } from './delivery.ts';
import { fileMeasures } from './files.ts';
import { history } from './history.ts';
import { measureIds } from './ids.ts';
import { joinMeasures } from './joins.ts';
import { keyMeasures } from './keys.ts';
import type { Measure } from './measure.ts';
import { memoryMeasures } from './memory.ts';
import { replica } from './replica.ts';
import { roomMeasures } from './rooms.ts';
import { sendMeasures } from './sends.ts';
import { syncMeasures } from './syncs.ts';
import { throngMeasures } from './throng.ts';
import { toDevice } from './to-device.ts';

const all = [
  ...memoryMeasures,
  ...sendMeasures,
  delivery,
  ...syncMeasures,
  ...roomMeasures,
  ...throngMeasures,
  ...joinMeasures,
  history,
  ...keyMeasures,
  toDevice,
  ...fileMeasures,
  replica,
];

/** Every measurement, in the order of their ids. */
export const catalogue: readonly Measure[] = all.sort((a, b) => measureIds.indexOf(a.id) - measureIds.indexOf(b.id));

/** @throws Error when there is no measurement of that name */
export function measureNamed(id: string): Measure {
  const found = catalogue.find((measure) => measure.id === id);
  if (!found) throw new Error(`no measurement is called ${id}`);
  return found;
}
