import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/** Answers with JSON text that is read while it is sent, however long it is. What goes wrong at its beginning is an error as any. */
export async function streamJson(parts: AsyncGenerator<string, void>): Promise<StreamableFile> {
  const first = await parts.next();
  const all = async function* () {
    if (!first.done) yield first.value;
    yield* parts;
  };
  const body = Readable.from(all(), { objectMode: false });
  // When nobody has begun to read, `all` has not begun either and ends nothing.
  body.once('close', () => void parts.return().catch(() => {}));
  return new StreamableFile(body, { type: 'application/json' });
}

/** JSON texts as an array, in pieces. */
export async function* arrayOf(pages: AsyncIterable<readonly string[]>): AsyncGenerator<string, void> {
  let before = '[';
  for await (const page of pages) {
    if (page.length === 0) continue;
    yield before + page.join();
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

/** A JSON object of values, as JSON texts or in pieces of them. */
export async function* inObject(
  members: Readonly<Record<string, string | AsyncIterable<string>>>,
): AsyncGenerator<string, void> {
  let before = '{';
  for (const [name, parts] of Object.entries(members)) {
    let start = `${before}${JSON.stringify(name)}:`;
    for await (const part of typeof parts === 'string' ? [parts] : parts) {
      yield start + part;
      start = '';
    }
    before = ',';
  }
  yield '}';
}
