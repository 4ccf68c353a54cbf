import { tracingEnabled } from '@ganglion/telemetry';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { type Context, propagation, ROOT_CONTEXT, type TextMapGetter, type TextMapSetter } from '@opentelemetry/api';

export const MESSAGE_ID = 'Nats-Msg-Id';

const setter: TextMapSetter<MsgHdrs> = { set: (carrier, key, value) => carrier.set(key, value) };
const getter: TextMapGetter<MsgHdrs> = {
  get: (carrier, key) => (carrier.has(key) ? carrier.get(key) : undefined),
  keys: (carrier) => carrier.keys(),
};

/** Headers that carry the trace of a context. */
export function traceHeaders(active: Context): MsgHdrs {
  const carrier = headers();
  if (tracingEnabled()) propagation.inject(active, carrier, setter);
  return carrier;
}

/** The context that headers carry. */
export function contextOf(carrier: MsgHdrs | undefined): Context {
  return carrier && tracingEnabled() ? propagation.extract(ROOT_CONTEXT, carrier, getter) : ROOT_CONTEXT;
}
