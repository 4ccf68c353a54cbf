const MAGIC = '!<arch>\n';
const HEADER = 60;

/**
 * The members of an `ar` archive, which is what a Debian package is.
 *
 * @param {Buffer} archive
 * @returns {Map<string, Buffer>}
 * @throws {Error} when it is no such archive
 */
export function readAr(archive) {
  if (archive.toString('latin1', 0, MAGIC.length) !== MAGIC) throw new Error('It is no ar archive');
  const members = new Map();
  for (let at = MAGIC.length; at + HEADER <= archive.length; ) {
    const name = archive.toString('latin1', at, at + 16).replace(/\/?\s*$/, '');
    const size = Number(archive.toString('latin1', at + 48, at + 58).trim());
    if (!Number.isSafeInteger(size)) throw new Error(`The archive's member ${name} has no size`);
    members.set(name, archive.subarray(at + HEADER, at + HEADER + size));
    at += HEADER + size + (size % 2);
  }
  return members;
}
