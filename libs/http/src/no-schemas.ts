/** Requests are parsed by zod. Given something in their place, Fastify does not load its compilers of JSON schemas. */
export const NO_SCHEMAS = { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } };

function noSchemas(): never {
  throw new Error('a route has a JSON schema, which nothing here compiles');
}
