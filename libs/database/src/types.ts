import pg, { type CustomTypesConfig } from 'pg';

const INT8 = pg.types.builtins.INT8;
const INT8_ARRAY = 1016;

/** bigint as number: every counter of ours stays far below 2^53; beyond it a BigInt keeps the value exact. */
function parseInt8(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

type Parser = (text: string) => unknown;

const parseTextArray = pg.types.getTypeParser(1009 as never, 'text') as unknown as (text: string) => (string | null)[];

function parseInt8Array(text: string): (number | bigint | null)[] {
  return parseTextArray(text).map((item) => (item === null ? null : parseInt8(item)));
}

const OURS = new Map<number, Parser>([
  [INT8, parseInt8],
  [INT8_ARRAY, parseInt8Array],
]);

/** The type parsers of our pools; node-postgres' global ones are left alone. */
export const typeParsers: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    const ours = format === 'binary' ? undefined : OURS.get(oid);
    return ours ?? pg.types.getTypeParser(oid as never, format as never);
  }) as CustomTypesConfig['getTypeParser'],
};
