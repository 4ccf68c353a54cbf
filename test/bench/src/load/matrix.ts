import type { Account } from './account.ts';
import type { Client, Reply } from './client.ts';

const base = '/_matrix/client/v3';

export interface SyncAnswer {
  next_batch: string;
  rooms?: { join?: Record<string, { timeline?: { events: TimelineEvent[] } }> };
}

export interface TimelineEvent {
  type: string;
  content: { body?: string };
}

/** What people say, as often as need be; what makes each one new is its transaction id. */
const remark = messageBody('The quick brown fox jumps over the lazy dog, and every server in the room hears of it.');

export function messageBody(text: string): Buffer {
  return Buffer.from(JSON.stringify({ msgtype: 'm.text', body: text }));
}

const transactionPrefix = Date.now().toString(36);
let transactions = 0;

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid */
export function sendMessage(client: Client, who: Account, room: string, body = remark): Promise<Reply> {
  const path = `${base}/rooms/${encodeURIComponent(room)}/send/m.room.message/${transactionPrefix}.${transactions++}`;
  return client.send('PUT', path, who.headers, body);
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom: a room that anybody may join. */
export async function createRoom(client: Client, who: Account, version?: string): Promise<string> {
  const content = { preset: 'public_chat', ...(version && { room_version: version }) };
  return (await client.call<{ room_id: string }>('POST', `${base}/createRoom`, who.headers, content)).room_id;
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin */
export function join(client: Client, who: Account, room: string): Promise<Reply> {
  return client.send('POST', `${base}/rooms/${encodeURIComponent(room)}/join`, who.headers, '{}');
}

/** https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid */
export function type(client: Client, who: Account, room: string): Promise<Reply> {
  const path = `${base}/rooms/${encodeURIComponent(room)}/typing/${encodeURIComponent(who.userId)}`;
  return client.send('PUT', path, who.headers, '{"typing":true,"timeout":10000}');
}

/** https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid */
export function read(client: Client, who: Account, room: string, eventId: string): Promise<Reply> {
  const path = `${base}/rooms/${encodeURIComponent(room)}/receipt/m.read/${encodeURIComponent(eventId)}`;
  return client.send('POST', path, who.headers, '{}');
}

export interface SyncQuery {
  since?: string | undefined;
  timeout: number;
  filter?: string;
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export function sync(client: Client, who: Account, query: SyncQuery): Promise<Reply> {
  const since = query.since ? `&since=${encodeURIComponent(query.since)}` : '';
  const filter = query.filter ? `&filter=${encodeURIComponent(query.filter)}` : '';
  return client.send('GET', `${base}/sync?timeout=${query.timeout}${since}${filter}`, who.headers);
}

/** https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages, backwards */
export function messages(client: Client, who: Account, room: string, limit: number, from?: string): Promise<Reply> {
  const start = from ? `&from=${encodeURIComponent(from)}` : '';
  return client.send(
    'GET',
    `${base}/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=${limit}${start}`,
    who.headers,
  );
}

/** Reads an account up to now and remembers how far that is. */
export async function catchUp(client: Client, who: Account): Promise<void> {
  const reply = await sync(client, who, { timeout: 0, since: who.since });
  who.since = syncAnswer(reply).next_batch;
}

/** @throws Error when the server had no sync to give */
export function syncAnswer(reply: Reply): SyncAnswer {
  if (reply.status !== 200) throw new Error(`sync answered ${reply.status}: ${reply.body.toString().slice(0, 200)}`);
  return JSON.parse(reply.body.toString()) as SyncAnswer;
}

/** All timeline events an answer brings. */
export function eventsIn(answer: SyncAnswer): TimelineEvent[] {
  return Object.values(answer.rooms?.join ?? {}).flatMap((room) => room.timeline?.events ?? []);
}
