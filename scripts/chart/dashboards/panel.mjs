/** What all panels have, so that a dashboard is a list of titles and queries. */
const DATASOURCE = { type: 'prometheus', uid: '$datasource' };
const [COLUMNS, HEIGHT] = [3, 8];

/** A metric of the namespace that was chosen: `of('up', 'pod="x"')`. */
export function of(metric, matchers = '') {
  return `${metric}{namespace="$namespace"${matchers && `,${matchers}`}}`;
}

/** How much a counter grows in a second, summed by labels. */
export function rate(metric, by, matchers) {
  return `sum by (${by}) (rate(${of(metric, matchers)}[$__rate_interval]))`;
}

/** Below which 99 of 100 are, of a histogram's observations. */
export function p99(histogram, by, matchers) {
  return `histogram_quantile(0.99, ${rate(`${histogram}_bucket`, `le, ${by}`, matchers)})`;
}

/** A row's heading, with its panels below it. */
export function row(title, ...panels) {
  return [{ type: 'row', title, collapsed: false, panels: [] }, ...panels];
}

/**
 * Lines over time.
 *
 * @param {string} unit of Grafana
 * @param {readonly (readonly [query: string, legend: string])[]} queries
 * @param {string} [description] what it tells, where its title does not
 */
export function lines(title, unit, queries, description = '') {
  return {
    ...{ type: 'timeseries', title, description, datasource: DATASOURCE },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
      tooltip: { mode: 'multi' },
    },
    targets: queries.map(([expr, legendFormat], index) => {
      return { refId: String.fromCharCode(65 + index), expr, legendFormat, datasource: DATASOURCE };
    }),
  };
}

/** A dashboard as Grafana takes it: rows below each other, three panels beside each other. */
export function dashboard(uid, title, rows) {
  return {
    ...{ uid, title, tags: ['ganglion'], schemaVersion: 39, timezone: 'browser', refresh: '30s' },
    time: { from: 'now-3h', to: 'now' },
    links: [{ type: 'dashboards', title: 'Ganglion', tags: ['ganglion'], asDropdown: true, includeVars: true }],
    templating: { list: [datasource(), namespace()] },
    panels: placed(rows.flat()),
  };
}

function datasource() {
  return { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus' };
}

function namespace() {
  const query = 'label_values(ganglion_build_info, namespace)';
  return { name: 'namespace', type: 'query', label: 'Namespace', datasource: DATASOURCE, query, refresh: 2 };
}

function placed(panels) {
  let [x, y] = [0, 0];
  return panels.map((panel, index) => {
    const isRow = panel.type === 'row';
    if (isRow && x > 0) [x, y] = [0, y + HEIGHT];
    const gridPos = isRow ? { h: 1, w: 24, x: 0, y } : { h: HEIGHT, w: 24 / COLUMNS, x: (x * 24) / COLUMNS, y };
    if (isRow) y += 1;
    else if (++x === COLUMNS) [x, y] = [0, y + HEIGHT];
    return { ...panel, id: index + 1, gridPos };
  });
}
