import type { KubeApi, KubeObject } from '../machine/kube-api.ts';
import { configMap, secret } from './volumes.ts';

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: { readonly name: string; readonly key: string };
    readonly configMapKeyRef?: { readonly name: string; readonly key: string };
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

/** The variables of a container, as it sees them. @throws Error for one that cannot be had */
export async function environmentOf(
  api: KubeApi,
  pod: KubeObject,
  variables: readonly Variable[],
  given: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const env: Record<string, string> = { ...given };
  for (const variable of variables) env[variable.name] = await valueOfVariable(api, pod, variable, env);
  return env;
}

async function valueOfVariable(
  api: KubeApi,
  pod: KubeObject,
  { name, value = '', valueFrom }: Variable,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  if (valueFrom === undefined) return expanded(value, env);
  const namespace = pod.metadata.namespace as string;
  const { secretKeyRef, configMapKeyRef, fieldRef } = valueFrom;
  const bytes =
    (secretKeyRef && (await secret(api, namespace, secretKeyRef.name))[secretKeyRef.key]) ??
    (configMapKeyRef && (await configMap(api, namespace, configMapKeyRef.name))[configMapKeyRef.key]);
  if (bytes !== undefined) return bytes.toString();
  if (fieldRef?.fieldPath === 'metadata.name') return pod.metadata.name;
  if (fieldRef?.fieldPath === 'metadata.namespace') return namespace;
  throw new Error(`variable ${name} cannot be had`);
}

/** `$(NAME)` is the value of a variable before; `$$(NAME)` is itself. */
export function expanded(text: string, env: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$)?\(([^)]+)\)/g, (whole, escaped, name) =>
    escaped ? whole.slice(1) : (env[name] ?? whole),
  );
}
