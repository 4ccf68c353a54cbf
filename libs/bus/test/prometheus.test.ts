import { Metrics } from '../../telemetry/src/metrics.js';
import { createEmbeddedBus, PoisonError, prometheusBusMetrics } from '../src/index.js';
import { conversation, reader, roomStream, until } from './support.js';

it('shows Prometheus what the bus does, under names of streams and durables only', async () => {
  const metrics = new Metrics();
  const bus = createEmbeddedBus({ metrics: prometheusBusMetrics(metrics) });
  let failures = 0;
  await bus.consume(reader({ maxBatch: 1 }), async ([delivery]) => {
    if (delivery?.message.seq === 2) throw new PoisonError('bad');
    if (delivery?.message.seq === 3 && failures++ === 0) throw new Error('not yet');
  });
  await bus.publishAll(roomStream(), conversation(['!a:x'], 1, 3));
  const expected = [
    'ganglion_bus_published_messages_total{stream="room-events"} 3',
    'ganglion_bus_delivered_messages_total{stream="room-events",durable="reader"} 4',
    'ganglion_bus_retried_messages_total{stream="room-events",durable="reader"} 1',
    'ganglion_bus_parked_messages_total{stream="room-events",durable="reader",reason="poison"} 1',
    'ganglion_bus_lag_messages{stream="room-events",durable="reader"} 0',
  ];
  await until('all is counted', async () => {
    const lines = (await metrics.render()).split('\n');
    return expected.every((line) => lines.includes(line));
  });
  await bus.close();
});
