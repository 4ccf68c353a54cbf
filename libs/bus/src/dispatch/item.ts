import type { Context } from '@opentelemetry/api';
import type { Delivery, ParkReason } from '../bus.js';

/** Why a message must be set aside. */
export interface Defect {
  readonly reason: ParkReason;
  readonly detail: string;
}

/** A message in the hands of this process, from its arrival until it is settled. */
export class Item<T> implements Delivery<T> {
  readonly message: T;
  readonly context: Context;
  attempt = 1;
  /** The place in the order of arrival, given by the dispatcher. */
  order = 0;
  /** Under suspicion: handed over alone, so that it cannot spoil a batch. */
  alone: boolean;
  /** Set when it must be parked instead of handled. */
  defect: Defect | undefined;

  constructor(message: T, context: Context, alone = false, defect?: Defect) {
    this.message = message;
    this.context = context;
    this.alone = alone;
    this.defect = defect;
  }
}
