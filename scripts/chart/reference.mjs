import { isMap, isScalar, parseDocument } from 'yaml';

/** Values of these are whatever Kubernetes takes there: they are told as one. */
const WHOLE = new Set(['resources', 'annotations', 'behavior', 'labels', 'timeouts']);
const LONGEST_DEFAULT = 60;

/**
 * The reference of the chart's values as a table in Markdown: the comments of values.yaml are its words.
 *
 * @param {string} values the text of values.yaml
 */
export function referenceTable(values) {
  const rows = rowsOf(parseDocument(values).contents, '');
  const cells = rows.map(({ path, value, words }) => `| \`${path}\` | ${value} | ${words} |`);
  return ['| value | by default | what it is |', '| --- | --- | --- |', ...cells].join('\n');
}

/** The paths of all values, as `image.tag`. */
export function valuePaths(values) {
  return rowsOf(parseDocument(values).contents, '')
    .filter(({ isLeaf }) => isLeaf)
    .map(({ path }) => path);
}

function rowsOf(map, prefix) {
  return map.items.flatMap(({ key, value }, index) => {
    const path = `${prefix}${key.value}`;
    const words = wordsOf(key.commentBefore ?? (index === 0 ? map.commentBefore : undefined));
    const isLeaf =
      !isMap(value) || value.items.length === 0 || WHOLE.has(key.value) || prefix === 'services.' || path === 'config';
    if (isLeaf) return [{ path, value: shown(value), words, isLeaf }];
    return [...(words === '' ? [] : [{ path, value: '', words, isLeaf }]), ...rowsOf(value, `${path}.`)];
  });
}

function wordsOf(comment = '') {
  const paragraph = comment.split('\n\n').at(-1) ?? '';
  return paragraph
    .split('\n')
    .map((line) => line.trim())
    .join(' ')
    .replaceAll('|', '\\|')
    .replaceAll('<', '\\<');
}

function shown(value) {
  const json = JSON.stringify(isScalar(value) ? value.value : value.toJSON());
  if (json === '""') return 'empty';
  return json.length > LONGEST_DEFAULT ? 'see values.yaml' : `\`${json.replaceAll('|', '\\|')}\``;
}
