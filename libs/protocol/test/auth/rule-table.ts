import { type AuthDecision, ROOM_VERSIONS, type RoomVersionRules, roomVersionRules } from '../../src/index.js';

/**
 * Where a rule stands in the specification, by version range: "v1-5 5.2.2, v6-7 4.2.2, v8-11 4.3.2, v12 5.3.2". A range
 * without a number means that the version has no such rule: there the event is allowed whatever the rule says elsewhere.
 */
export type Numbers = string;

export function numbersByVersion(numbers: Numbers): ReadonlyMap<string, string | undefined> {
  const byVersion = new Map<string, string | undefined>();
  for (const range of numbers.split(', ')) {
    const match = /^v(\d+)(?:-(\d+))?(?: ([\d.]+))?$/.exec(range);
    if (match === null) throw new Error(`not a version range: ${range}`);
    const [, first, last = first, number] = match;
    for (let version = Number(first); version <= Number(last); version++) byVersion.set(`${version}`, number);
  }
  return byVersion;
}

/** One line of a table: what the case shows, and the case. */
export type Cases<Case> = Readonly<Record<string, Case>>;

export interface Rule<Case> {
  readonly numbers: Numbers;
  readonly rule: string;
  /** Let in where the rule applies, and only because of how it reads. */
  readonly allow?: Cases<Case>;
  /** Refused by just this rule. */
  readonly refuse?: Cases<Case>;
}

/** The numbers of the rules that have cases, by version: of those that were refused, and of those let in beside them. */
export const refusedBy = new Map<string, Set<string>>();
export const allowedBy = new Map<string, Set<string>>();

function note(by: Map<string, Set<string>>, version: string, number: string | undefined): void {
  if (number !== undefined) by.set(version, (by.get(version) ?? new Set()).add(number));
}

/** Runs each case of each rule in each version that its line names. */
export function runRules<Case>(
  rules: readonly Rule<Case>[],
  check: (testCase: Case, rules: RoomVersionRules) => AuthDecision,
): void {
  describe.each(rules.map((rule) => [`${rule.numbers}: ${rule.rule}`, rule] as const))('%s', (_title, rule) => {
    for (const [version, number] of numbersByVersion(rule.numbers)) {
      // Each case gets a copy, so that nothing that was computed for another one counts.
      const decide = (testCase: Case) => check(testCase, { ...roomVersionRules(version)! });
      for (const [title, testCase] of Object.entries(rule.allow ?? {})) {
        it(`v${version} allows ${title}`, () => expect(decide(testCase)).toEqual({ allowed: true }));
        note(allowedBy, version, number);
      }
      for (const [title, testCase] of Object.entries(rule.refuse ?? {})) {
        if (number === undefined) {
          it(`v${version} has no such rule: ${title}`, () => expect(decide(testCase)).toEqual({ allowed: true }));
          continue;
        }
        it(`v${version} refuses ${title}`, () => {
          const decision = decide(testCase);
          expect(decision).toEqual({ allowed: false, rule: number, reason: expect.stringMatching(/\S/) });
        });
        note(refusedBy, version, number);
      }
    }
  });
}

export const ALL_VERSIONS: readonly string[] = ROOM_VERSIONS.map((rules) => rules.id);
