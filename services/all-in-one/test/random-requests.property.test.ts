import fc from 'fast-check';
import { EXAMPLES, type Example, setScene } from './support/endpoint-examples.js';
import { Homeserver, type Replica } from './support/homeserver.js';
import { pathOf } from './support/hostile-input.js';
import { exchange, inRoom } from './support/person.js';

let homeserver: Homeserver;
let replica: Replica;
beforeAll(async () => {
  homeserver = await Homeserver.create();
  replica = await homeserver.start();
});
afterAll(() => homeserver.close());

/** They would end the person who makes the requests. */
const FATAL = /logout|deactivate|password|delete_devices|DELETE .*devices/;
const ROUTES = Object.keys(EXAMPLES).filter((route) => !FATAL.test(route));

const WORDS = [
  ...['', 'a', '@a:b', '!a:b', '#a:b', '$a', '\0', '\ud800', '__proto__', 's1', '0', '-1', 'true', 'join', 'ban'],
  ...['m.room.member', 'm.room.power_levels', 'm.room.create', 'm.room.redaction', 'm.room.canonical_alias'],
  ...['m.room.join_rules', 'm.room.third_party_invite', 'm.room.aliases', 'm.push_rules', 'm.direct', 'm.tag'],
];
const KEYS = [
  ...['membership', 'users', 'redacts', 'alias', 'alt_aliases', 'join_rule', 'allow', 'third_party_invite', 'signed'],
  ...['actions', 'conditions', 'pattern', 'room', 'timeline', 'types', 'rooms', 'event_fields', 'account_data'],
  ...['m.relates_to', 'rel_type', 'event_id', 'm.new_content', 'm.mentions', 'body', 'displayname', 'avatar_url'],
  ...['invite', 'initial_state', 'creation_content', 'additional_creators', 'room_version', 'preset', 'visibility'],
  ...['thread_id', 'm.read', 'typing', 'timeout', 'auth', 'session', 'identifier', 'user', 'filter', 'room_types'],
];
const PARAMETERS = [
  ...['since', 'from', 'to', 'dir', 'limit', 'filter', 'at', 'membership', 'not_membership', 'full_state', 'format'],
  ...['kind', 'username', 'before', 'after', 'set_presence', 'use_state_after', 'server'],
];
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 30 }), fc.constantFrom(...WORDS));
const number = fc.oneof(fc.maxSafeInteger(), fc.double());
const value = fc.oneof(text, number, fc.jsonValue({ maxDepth: 3 }), fc.constantFrom(null, true, [], {}, [null], [[]]));
const request = fc.record({
  route: fc.constantFrom(...ROUTES),
  /** Instead of what the example has in the path; most stay as they are. */
  segments: fc.array(fc.option(text, { freq: 3 }), { minLength: 4, maxLength: 4 }),
  query: fc.dictionary(fc.constantFrom(...PARAMETERS), text, { maxKeys: 3 }),
  content: fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), text), value, { maxKeys: 5 }),
  /** Whether the example's own content stays around it. */
  within: fc.boolean(),
});

function pathFor(route: string, example: Example, { segments, query }: { segments: (string | null)[]; query: object }) {
  const names = Object.keys(example.params ?? {}).filter((name) => name !== 'roomId');
  const instead = names.flatMap((name, index) => {
    const segment = segments[index];
    return segment ? [[name, encodeURIComponent(segment.toWellFormed())] as const] : [];
  });
  const path = pathOf(route, { ...example, query: { ...example.query } }, Object.fromEntries(instead));
  const more = Object.entries(query).map(([key, word]) => [key, String(word).toWellFormed()] as [string, string]);
  return `${path}&${new URLSearchParams(more)}`;
}

it('whatever is asked, nothing fails, and everything can be read afterwards', async () => {
  const scene = await setScene(replica.url);
  const { person, other, roomId } = scene;
  const examples = new Map<string, Example>();
  for (const route of ROUTES) examples.set(route, (await EXAMPLES[route]?.(scene)) ?? {});
  const property = fc.asyncProperty(request, async ({ route, content, within, ...rest }) => {
    const [method = ''] = route.split(' ');
    const example = examples.get(route) ?? {};
    const body = method === 'GET' ? undefined : within ? { ...example.body, ...content } : content;
    const path = pathFor(route, example, rest);
    const headers = { authorization: `Bearer ${person.token}` };
    const answer = await exchange(replica.url, method, path, { headers, body });
    const explained = answer.status < 400 || answer.body.errcode !== undefined || answer.body.flows !== undefined;
    expect({ ...answer, ok: (answer.status < 500 || isElsewhere(answer)) && explained }).toMatchObject({ ok: true });
  });
  await fc.assert(property, { numRuns: 1_500, endOnFailure: true });
  // Whoever may have left or been banned by now: what they may read can be read.
  const paths = ['sync', 'sync?full_state=true', 'publicRooms', 'pushrules/', 'joined_rooms', 'devices'];
  const ofRoom = ['messages?dir=b&limit=1000', 'messages?dir=f&limit=1000', 'state', 'members'];
  for (const reader of [person, other]) {
    for (const path of [...paths, ...ofRoom.map((end) => `${inRoom(roomId)}/${end}`)]) {
      expect([path, (await reader.get(path)).status]).toEqual([path, 200]);
    }
  }
}, 180_000);

/** Another server that was asked for does not answer, or there is none of that name. */
function isElsewhere({ status }: { readonly status: number }): boolean {
  return status === 502;
}
