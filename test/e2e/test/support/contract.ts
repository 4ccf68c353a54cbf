import { Contract } from '@ganglion/testing';

const contract = Contract.load();
const problems: string[] = [];

if (contract === undefined) {
  process.stderr.write('Answers are not held against the specification: GANGLION_SPEC does not say where it is.\n');
}

/** As fetch; what the specification would not have an answer say is noted. */
export async function contractFetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, init);
  if (contract === undefined || !/json/.test(response.headers.get('content-type') ?? '')) return response;
  const { pathname, search } = new URL(input instanceof Request ? input.url : input);
  const method = init?.method ?? 'GET';
  const body: unknown = await response.clone().json();
  problems.push(...contract.problemsOf({ method, path: pathname + search, status: response.status, body }));
  return response;
}

/** Whether answers are held against the specification, and how many have been. */
export function contractProgress(): { readonly isAtHand: boolean; readonly checked: number } {
  return { isAtHand: contract !== undefined, checked: contract?.checked ?? 0 };
}

/** What has been noted since the last time. */
export function contractProblems(): string[] {
  return problems.splice(0);
}
