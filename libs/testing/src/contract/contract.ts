import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Node, SchemaFiles } from './schema-files.js';

/** The folder of the specification's data, as it lies in `data` of its repository: with `openapi` or `api` in it. */
const FOLDER = process.env.GANGLION_SPEC;

const TOKEN_REFUSALS: ReadonlySet<unknown> = new Set(['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN']);

/**
 * What the schema of an operation says otherwise than all servers do, and with them the tests of the specification's own suite:
 * who has no name or picture has `null` there (Complement: "GET /rooms/:room_id/joined_members fetches my membership").
 */
const EXCEPTIONS: readonly { readonly operation: string; readonly place: RegExp; readonly answer: unknown }[] = [
  {
    operation: 'GET /_matrix/client/v3/rooms/{roomId}/joined_members',
    place: /^\/joined\/[^/]+\/(display_name|avatar_url)$/,
    answer: null,
  },
];

type Tree = Record<string, Node>;

interface Operation {
  readonly method: string;
  /** With its method and path as the specification writes them. */
  readonly name: string;
  readonly path: RegExp;
  /** Of its path: the more of it is written out, the better it fits. */
  readonly literals: number;
  readonly responses: Tree;
}

/** An answer as a client has got it. */
export interface ContractAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Parsed. */
  readonly body: unknown;
}

/** What the specification says that answers look like. */
export class Contract {
  readonly #files = new SchemaFiles();
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false, allErrors: true });
  readonly #operations: Operation[] = [];
  readonly #validators = new Map<string, ValidateFunction | undefined>();
  /** How many answers were held against the schema of their operation. */
  checked = 0;

  /** Undefined where the specification's data is not at hand: GANGLION_SPEC says where it is. */
  static load(apis: readonly string[] = ['client-server']): Contract | undefined {
    if (FOLDER === undefined || FOLDER === '') return undefined;
    const contract = new Contract();
    const root = ['openapi', 'api'].map((name) => join(FOLDER, name)).find((path) => existsSync(path));
    if (root === undefined) throw new Error(`GANGLION_SPEC=${FOLDER} holds neither openapi nor api`);
    for (const api of apis) contract.#read(join(root, api));
    for (const [url, document] of contract.#files.opened) {
      // Examples are lists as well.
      if (!Array.isArray(document)) contract.#ajv.addSchema(document as Tree, url);
    }
    return contract;
  }

  /** What is wrong with an answer; nothing with those that the specification says nothing of. */
  problemsOf({ method, path, status, body }: ContractAnswer): string[] {
    // Of tokens that let nobody in, the specification speaks in one place for all operations.
    if (status === 401 && TOKEN_REFUSALS.has((body as Tree | undefined)?.errcode)) return [];
    const plain = path.replace(/\?.*$/, '').replace('/_matrix/client/r0/', '/_matrix/client/v3/');
    const fitting = this.#operations.filter((it) => it.method === method && it.path.test(plain));
    const operation = fitting.toSorted((a, b) => b.literals - a.literals)[0];
    const validate = operation && this.#validatorOf(operation, status);
    if (operation === undefined || validate === undefined) return [];
    this.checked += 1;
    if (validate(body)) return [];
    const errors = (validate.errors ?? []).filter(({ instancePath }) => !isException(operation, instancePath, body));
    const problems = errors.map(({ instancePath, message = '', params }) => {
      return `${method} ${plain} ${status}: ${instancePath || '/'} ${message} ${JSON.stringify(params)}`;
    });
    return [...new Set(problems)];
  }

  #read(folder: string): void {
    const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
    for (const file of files) {
      const { document } = this.#files.load(join(folder, file));
      const { paths = {}, servers = [] } = document as { paths?: Record<string, Tree>; servers?: Tree[] };
      const base = basePathOf(servers[0]);
      for (const [path, methods] of Object.entries(paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          const { responses } = (operation ?? {}) as { responses?: Tree };
          if (responses !== undefined) this.#operations.push(operationOf(method, `${base}${path.trim()}`, responses));
        }
      }
    }
  }

  #validatorOf({ method, path, responses }: Operation, status: number): ValidateFunction | undefined {
    const key = `${method} ${path} ${status}`;
    if (!this.#validators.has(key)) {
      const response = this.#files.follow(responses[String(status)]) as { content?: Record<string, Tree> } | undefined;
      const schema = response?.content?.['application/json']?.schema as Tree | undefined;
      this.#validators.set(key, schema && this.#ajv.compile(schema));
    }
    return this.#validators.get(key);
  }
}

/** Whether an answer may say otherwise than the schema at a place, which is a JSON pointer. */
function isException({ name }: Operation, place: string, body: unknown): boolean {
  const exception = EXCEPTIONS.find((it) => it.operation === name && it.place.test(place));
  if (exception === undefined) return false;
  const keys = place.slice(1).split('/');
  const found = keys.reduce<unknown>((at, key) => (at as Tree)[key.replaceAll('~1', '/').replaceAll('~0', '~')], body);
  return found === exception.answer;
}

function basePathOf(server: Tree | undefined): string {
  const { variables } = (server ?? {}) as { variables?: { basePath?: { default?: string } } };
  return variables?.basePath?.default ?? '';
}

function operationOf(method: string, path: string, responses: Tree): Operation {
  const parts = path.replace(/\/$/, '').split('/');
  const pattern = parts.map((part) => (part.startsWith('{') ? '[^/]*' : part.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')));
  const literals = parts.filter((part) => !part.startsWith('{')).length;
  const name = `${method.toUpperCase()} ${path}`;
  return { method: method.toUpperCase(), name, path: new RegExp(`^${pattern.join('/')}/?$`), literals, responses };
}
