import type { Context } from '@opentelemetry/api';
import { type Defect, Item } from '../dispatch/item.js';
import type { ShardSession } from './shard-session.js';
import type { StoredMessage } from './stored-message.js';

/** An item that knows its place in the stream. */
export class JetStreamItem<T> extends Item<T> {
  readonly session: ShardSession<T>;
  readonly source: StoredMessage;

  constructor(
    session: ShardSession<T>,
    source: StoredMessage,
    message: T,
    context: Context,
    alone: boolean,
    defect?: Defect,
  ) {
    super(message, context, alone, defect);
    this.session = session;
    this.source = source;
  }
}
