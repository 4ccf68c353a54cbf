import { isUtf8 } from 'node:buffer';
import type { OutgoingStream } from '@ganglion/outgoing';
import { isJsonObject, type JsonObject, JsonSyntaxError, type JsonValue, parseJson } from '@ganglion/protocol';
import { RemoteRefusal, UnreachableServerError } from './errors.js';

/** What an error answer may be long; more of it is not read. */
const MAX_ERROR_BYTES = 65_536;

/** The JSON object that an answer is. @throws {UnreachableServerError} when it is none, or breaks off */
export async function readAnswer(destination: string, stream: OutgoingStream): Promise<JsonObject> {
  const value = await readValue(destination, stream);
  if (!isJsonObject(value)) throw new UnreachableServerError(destination, 'the answer is not a JSON object');
  return value;
}

/** The JSON that an answer is, of whatever kind; undefined when it is none. @throws {UnreachableServerError} when it breaks off */
export async function readValue(destination: string, { body }: OutgoingStream): Promise<JsonValue | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of body) chunks.push(chunk as Buffer);
  } catch (cause) {
    throw new UnreachableServerError(destination, (cause as Error).message, { cause });
  }
  return parseBytes(Buffer.concat(chunks));
}

/** What an answer that is none of success says; it is shown to users, so it is cut short. */
export async function readRefusal(destination: string, { status, body }: OutgoingStream): Promise<RemoteRefusal> {
  const value = parseBytes(await readBeginning(body));
  const fields = isJsonObject(value) ? value : {};
  const errcode = typeof fields.errcode === 'string' ? fields.errcode.slice(0, 255) : '';
  const message = typeof fields.error === 'string' ? fields.error.slice(0, 500) : `${destination} answered ${status}`;
  return new RemoteRefusal(destination, status, errcode, message, fields);
}

async function readBeginning(body: OutgoingStream['body']): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      length += (chunk as Buffer).length;
      if (length > MAX_ERROR_BYTES) break;
      chunks.push(chunk as Buffer);
    }
  } catch {
    // That the server refused is known all the same.
  }
  return Buffer.concat(chunks);
}

function parseBytes(bytes: Buffer): JsonValue | undefined {
  if (!isUtf8(bytes)) return undefined;
  try {
    return parseJson(bytes.toString('utf8'));
  } catch (error) {
    if (error instanceof JsonSyntaxError) return undefined;
    throw error;
  }
}
