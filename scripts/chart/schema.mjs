/** Values of the chart that are of the same form in several places, as JSON Schema. */
const text = { type: 'string' };
const filled = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const anything = { type: 'object' };
const count = (minimum) => ({ type: 'integer', minimum });
const list = (items) => ({ type: 'array', items });
const texts = { type: 'object', additionalProperties: text };
const oneOf = (...values) => ({ enum: values });
const orNull = (schema) => ({ ...schema, type: [schema.type, 'null'] });
const only = (properties, required = []) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...(required.length > 0 && { required }),
});
const named = (...required) => list({ type: 'object', required });

const resources = only({ requests: anything, limits: anything, claims: list(anything) });

const service = only({
  replicas: orNull(count(0)),
  autoscaling: only({
    enabled: flag,
    minReplicas: count(1),
    maxReplicas: count(1),
    targetCPUUtilizationPercentage: orNull(count(1)),
    metrics: list(anything),
    prometheus: text,
    load: list(
      only({ query: filled, forEachReplica: { type: 'number', exclusiveMinimum: 0 } }, ['query', 'forEachReplica']),
    ),
    behavior: anything,
  }),
  resources,
  spreadOver: list(filled),
  nodeSelector: texts,
  affinity: anything,
  tolerations: list(anything),
  priorityClassName: text,
  podLabels: texts,
  podAnnotations: texts,
});

/**
 * What the chart's values may be. Whatever has another name is refused, so that a misspelt value is not silently ignored.
 *
 * @param {object} config the schema of ganglion.yaml
 * @param {string[]} services the names of all services
 */
export function valuesSchema(config, services) {
  const { $schema, ...ofConfig } = config;
  return {
    $schema,
    title: 'Values of the Ganglion chart',
    ...only(
      {
        // Helm's own, for charts that this one is part of.
        global: anything,
        fullnameOverride: { ...text, pattern: '^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$' },
        image: only(
          {
            repository: filled,
            tag: { type: ['string', 'number'] },
            digest: { ...text, pattern: '^(sha256:[0-9a-f]{64})?$' },
            pullPolicy: oneOf('Always', 'IfNotPresent', 'Never'),
            pullSecrets: list(only({ name: filled }, ['name'])),
          },
          ['repository'],
        ),
        config: ofConfig,
        secrets: only({ database: filled, databaseKey: filled, signingKeys: filled }),
        extraEnv: named('name'),
        extraVolumes: named('name'),
        extraVolumeMounts: named('name', 'mountPath'),
        media: only({ claim: text }),
        trustedProxies: list(text),
        single: only({ enabled: flag, resources }),
        defaults: { $ref: '#/$defs/service' },
        services: only(Object.fromEntries(services.map((name) => [name, { $ref: '#/$defs/service' }]))),
        migration: only({ backoffLimit: count(0), activeDeadlineSeconds: count(1), resources }),
        probes: only({ live: filled, ready: filled, readyGraceSeconds: count(2), startSeconds: count(2) }),
        ingress: only({
          enabled: flag,
          className: text,
          host: filled,
          tlsSecret: text,
          serverNames: list(filled),
          serverNamesTlsSecret: text,
          annotations: texts,
        }),
        gateway: only({
          enabled: flag,
          parentRefs: list(anything),
          hostnames: list(filled),
          serverNames: list(filled),
          timeouts: texts,
        }),
        networkPolicy: only({
          enabled: flag,
          ingressFrom: list(anything),
          monitoringFrom: list(anything),
          backingServices: list(anything),
          reachTheWorld: list(oneOf(...services)),
        }),
        monitoring: only({
          podMonitor: only({ enabled: flag, interval: filled, labels: texts }),
          rules: only({ enabled: flag, labels: texts, runbooks: filled }),
          dashboards: only({ enabled: flag, labels: texts }),
        }),
        extraObjects: list(anything),
      },
      ['config', 'image'],
    ),
    $defs: { service },
  };
}
