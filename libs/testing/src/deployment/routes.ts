import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SERVICE_NAMES, type ServiceName } from '@ganglion/config';
import { parse } from 'yaml';

/** One path of the table: it stands for itself and everything below it. */
export interface Route {
  readonly path: string;
  readonly service: ServiceName;
}

/** Which service answers which path. */
export interface RouteTable {
  readonly routes: readonly Route[];
  /** The services that answer any path at all. */
  readonly services: readonly ServiceName[];
  /** The service for a path, which may carry a query. */
  serviceOf(path: string): ServiceName;
  /** The entry that decides about a path; undefined where none fits. */
  routeOf(path: string): Route | undefined;
}

export interface RouteFile {
  readonly default: string;
  readonly paths: Readonly<Record<string, readonly string[]>>;
}

const FILE = fileURLToPath(new URL('../../../../deploy/routes.yaml', import.meta.url));

/** The table of this repository. @throws Error when it names a service that there is none of, or a path twice */
export function loadRouteTable(): RouteTable {
  return routeTable(parse(readFileSync(FILE, 'utf8')) as RouteFile);
}

/** @throws Error when the table names a service that there is none of, or a path twice */
export function routeTable(file: RouteFile): RouteTable {
  const fallback = serviceNamed(file.default);
  const routes = Object.entries(file.paths).flatMap(([service, paths]) =>
    paths.map((path) => ({ path, service: serviceNamed(service) })),
  );
  const repeated = routes.find(({ path }, index) => routes.findIndex((other) => other.path === path) < index);
  if (repeated) throw new Error(`${repeated.path} is in the table of routes twice`);
  const split = routes.map((route) => ({ route, pattern: route.path.split('/') })).toSorted(longestFirst);
  const routeOf = (path: string) => {
    const segments = path.split('?', 1)[0]?.split('/') ?? [];
    return split.find(({ pattern }) => fits(pattern, segments))?.route;
  };
  return {
    routes,
    services: [...new Set([fallback, ...routes.map(({ service }) => service)])],
    serviceOf: (path) => routeOf(path)?.service ?? fallback,
    routeOf,
  };
}

function serviceNamed(name: string): ServiceName {
  const service = SERVICE_NAMES.find((known) => known === name);
  if (service === undefined) throw new Error(`the table of routes names ${name}, which is no service`);
  return service;
}

type Pattern = readonly string[];

/** More segments first; of as many, the one that leaves less open. */
function longestFirst({ pattern: one }: { pattern: Pattern }, { pattern: other }: { pattern: Pattern }): number {
  const open = (pattern: Pattern) => pattern.filter((segment) => segment === '*').length;
  return other.length - one.length || open(one) - open(other);
}

function fits(pattern: Pattern, segments: readonly string[]): boolean {
  return pattern.every((wanted, index) => (wanted === '*' ? Boolean(segments[index]) : segments[index] === wanted));
}
