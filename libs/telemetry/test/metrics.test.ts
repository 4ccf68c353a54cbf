import { createTelemetry, Metrics } from '../src/index.js';

describe('metrics', () => {
  it('count, go up and down, and time', async () => {
    const metrics = new Metrics();
    const sent = metrics.counter({ name: 'ganglion_sent_total', help: 'Sent.', labels: ['kind'] });
    sent.inc({ kind: 'message' });
    sent.inc({ kind: 'message' }, 2);
    const open = metrics.gauge({ name: 'ganglion_open', help: 'Open.' });
    open.set(5);
    open.inc();
    open.dec({}, 3);
    const times = metrics.histogram({ name: 'ganglion_times_seconds', help: 'Times.', buckets: [1, 10] });
    times.observe(2);
    expect(times.startTimer()()).toBeGreaterThanOrEqual(0);
    const text = await metrics.render();
    expect(text).toContain('ganglion_sent_total{kind="message"} 3');
    expect(text).toContain('ganglion_open 3');
    expect(text).toContain('ganglion_times_seconds_bucket{le="1"} 1');
    expect(text).toContain('ganglion_times_seconds_bucket{le="10"} 2');
  });

  it('are the same when asked for twice by one name, and refuse to change their kind', async () => {
    const metrics = new Metrics();
    const options = { name: 'ganglion_x_total', help: 'X.' };
    metrics.counter(options).inc();
    metrics.counter(options).inc();
    expect(await metrics.render()).toContain('ganglion_x_total 2');
    expect(() => metrics.gauge(options)).toThrow('metric ganglion_x_total is a counter, not a gauge');
  });

  it('are read at each scrape while they are observed', async () => {
    const metrics = new Metrics();
    let size = 1;
    const gauge = metrics.gauge({ name: 'ganglion_size', help: 'Size.', labels: ['pool'] });
    const stop = gauge.observe(() => size, { pool: 'a' });
    gauge.observe(() => 7, { pool: 'b' });
    size = 4;
    expect(await metrics.render()).toContain('ganglion_size{pool="a"} 4');
    stop();
    const after = await metrics.render();
    expect(after).not.toContain('pool="a"');
    expect(after).toContain('ganglion_size{pool="b"} 7');
  });
});

describe('labels', () => {
  it('keep to their declared values: all else is "other"', async () => {
    const metrics = new Metrics();
    const codes = metrics.counter({ name: 'ganglion_codes_total', help: 'Codes.', labels: { code: ['200', '404'] } });
    for (const code of [200, '404', 'M_EVIL', '!room:hs']) codes.inc({ code });
    const text = await metrics.render();
    expect(text).toContain('ganglion_codes_total{code="200"} 1');
    expect(text).toContain('ganglion_codes_total{code="404"} 1');
    expect(text).toContain('ganglion_codes_total{code="other"} 2');
  });

  it('stay few when their values were not declared', async () => {
    const metrics = new Metrics();
    const paths = metrics.counter({ name: 'ganglion_paths_total', help: 'Paths.', labels: ['path'] });
    for (let n = 0; n < 5_000; n++) paths.inc({ path: `/${n}` });
    const series = (await metrics.render()).split('\n').filter((line) => line.startsWith('ganglion_paths_total{'));
    expect(series).toHaveLength(201);
    expect(series.at(-1)).toBe('ganglion_paths_total{path="other"} 4800');
  });

  it.each(['room_id', 'user', 'event_id', 'ip', 'device_id', 'txn_id'])('may not be %s', (label) => {
    const declare = () => new Metrics().counter({ name: 'ganglion_y_total', help: 'Y.', labels: [label] });
    expect(declare).toThrow(`the values of label ${label} have no bound`);
  });

  it('ignore names that were not declared', async () => {
    const metrics = new Metrics();
    metrics.counter({ name: 'ganglion_z_total', help: 'Z.' }).inc({ room_id: '!a' });
    expect(await metrics.render()).toContain('ganglion_z_total 1');
  });
});

describe('a process', () => {
  it('reports itself and its build', async () => {
    const telemetry = await createTelemetry({
      service: 'sync',
      instance: 'sync-0',
      version: '1.2.3',
      log: { level: 'silent', format: 'json' },
    });
    const text = await telemetry.metrics.render();
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
    expect(text).toContain('ganglion_build_info{service="sync",version="1.2.3"} 1');
    await telemetry.shutdown();
  });
});
