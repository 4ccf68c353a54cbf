import type { Context } from '@opentelemetry/api';
import { type Defect, Item } from '../dispatch/item.js';
import type { PullMessage } from './pull-message.js';
import type { ShardSession } from './shard-session.js';

/** An item that the server has to hear about. */
export class JetStreamItem<T> extends Item<T> {
  readonly session: ShardSession<T>;
  /** Its latest delivery, should the server hand it out again while it is here. */
  source: PullMessage;
  readonly arrivedAt = performance.now();

  constructor(session: ShardSession<T>, source: PullMessage, message: T, context: Context, defect?: Defect) {
    super(message, context, source.deliveries > 1, defect);
    this.session = session;
    this.source = source;
  }
}
