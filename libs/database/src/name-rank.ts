/**
 * SQL for how well somebody matches what is looked for, the lower the better: the whole name or id comes first, then what begins
 * so, then what has a word that does.
 *
 * @param wanted in lower case, as all of these
 * @param name empty for none
 */
export function nameRank(wanted: string, name: string, userId: string): string {
  const id = `substr(${userId}, 2)`;
  return `CASE
    WHEN ${wanted} IN (${name}, ${userId}, ${id}, split_part(${id}, ':', 1)) THEN 0
    WHEN strpos(${name}, ${wanted}) = 1 OR strpos(${id}, ${wanted}) = 1 OR strpos(${userId}, ${wanted}) = 1 THEN 1
    WHEN strpos(' ' || ${name}, ' ' || ${wanted}) > 0 THEN 2
    ELSE 3 END`;
}
