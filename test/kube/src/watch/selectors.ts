import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A condition on a label, as `status=~"5.."`. */
interface Matcher {
  readonly label: string;
  readonly fits: (value: string) => boolean;
}

/** What of a metric a query looks at. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
}

/** A query taken apart. */
export interface Parsed {
  readonly selectors: readonly Selector[];
  /** The labels by which it sums. */
  readonly by: readonly string[];
  /** Without the bound that makes an alert of it: what it compares. */
  readonly measure: string;
}

/** @throws Error when it is no query that Prometheus knows */
export function parseQuery(text: string): Parsed {
  const tree = parser.parse(text);
  const selectors: Selector[] = [];
  const by: string[] = [];
  const textOf = ({ from, to }: { from: number; to: number }) => text.slice(from, to);
  tree.iterate({
    enter({ type, node }) {
      if (type.isError) throw new Error(`this is no query: ${text.slice(0, node.from)}⚠${text.slice(node.from)}`);
      if (type.name === 'VectorSelector') selectors.push(selectorOf(node, textOf));
      if (type.name === 'GroupingLabels') by.push(...node.getChildren('LabelName').map(textOf));
    },
  });
  const top = tree.topNode.firstChild;
  const compares = top?.name === 'BinaryExpr' && ['Gtr', 'Eql', 'Lss', 'Neq'].some((name) => top.getChild(name));
  return { selectors, by, measure: compares && top.firstChild ? textOf(top.firstChild) : text };
}

function selectorOf(node: SyntaxNode, textOf: (node: SyntaxNode) => string): Selector {
  const matchers = node.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [];
  return {
    metric: textOf(node.getChild('Identifier') as SyntaxNode),
    matchers: matchers.map((matcher) => {
      const [label, op, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) =>
        textOf(matcher.getChild(name) as SyntaxNode),
      ) as [string, string, string];
      return { label, fits: fitting(op, JSON.parse(value)) };
    }),
  };
}

function fitting(op: string, value: string): Matcher['fits'] {
  const pattern = new RegExp(`^(?:${value})$`);
  const test = op.endsWith('~') ? (is: string) => pattern.test(is) : (is: string) => is === value;
  return op.startsWith('!') ? (is) => !test(is) : test;
}
