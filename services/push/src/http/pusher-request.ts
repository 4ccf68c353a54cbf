import { MatrixError } from '@ganglion/contracts';
import type { JsonObject } from '@ganglion/protocol';
import type { Pusher } from '../domain/ports.js';
import type { PusherBody } from './parameters.js';

/** Apps and keys are limited by the specification, the rest by what anybody can want to store. */
const MAX_APP_ID_CHARACTERS = 64;
const MAX_PUSHKEY_BYTES = 512;
const MAX_TEXT_CHARACTERS = 1_024;
const MAX_DATA_BYTES = 16 * 1_024;
const GATEWAY_PATH = '/_matrix/push/v1/notify';

const OF_EVERY_REQUEST = ['kind', 'app_id', 'pushkey'] as const;
const OF_PUSHERS = ['app_display_name', 'device_display_name', 'lang', 'data'] as const;

type Complete = { readonly [Name in keyof PusherBody]-?: NonNullable<PusherBody[Name]> };

/** What names a pusher among those of a user, and the pusher itself unless it is to be removed. */
export interface PusherRequest {
  readonly appId: string;
  readonly pushkey: string;
  readonly pusher: Pusher | undefined;
}

/**
 * Reads the body of `POST /pushers/set`.
 *
 * @throws MatrixError M_MISSING_PARAM, M_INVALID_PARAM
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3pushersset
 */
export function pusherRequest(body: PusherBody): PusherRequest {
  const removes = body.kind === null;
  const names = removes ? OF_EVERY_REQUEST.slice(1) : [...OF_EVERY_REQUEST, ...OF_PUSHERS];
  const missing = names.filter((name) => body[name] === undefined || body[name] === null);
  if (missing.length > 0) throw new MatrixError(400, 'M_MISSING_PARAM', `Missing parameters: ${missing.join(', ')}`);
  const complete = body as Complete;
  checkLengths(complete);
  const { app_id: appId, pushkey } = complete;
  return { appId, pushkey, pusher: removes ? undefined : pusherOf(complete) };
}

function pusherOf(body: Complete): Pusher {
  if (body.kind !== 'http') throw invalid(`There are no pushers of the kind ${body.kind}, only "http"`);
  const data = JSON.stringify(body.data);
  if (Buffer.byteLength(data) > MAX_DATA_BYTES) throw invalid(`data is larger than ${MAX_DATA_BYTES} bytes`);
  checkGateway(body.data);
  return {
    appId: body.app_id,
    pushkey: body.pushkey,
    kind: body.kind,
    appDisplayName: body.app_display_name,
    deviceDisplayName: body.device_display_name,
    profileTag: body.profile_tag,
    lang: body.lang,
    data,
  };
}

function checkLengths({ app_id, pushkey, ...others }: Complete): void {
  if (app_id.length > MAX_APP_ID_CHARACTERS) throw invalid(`app_id is longer than ${MAX_APP_ID_CHARACTERS} characters`);
  if (Buffer.byteLength(pushkey) > MAX_PUSHKEY_BYTES)
    throw invalid(`pushkey is longer than ${MAX_PUSHKEY_BYTES} bytes`);
  for (const [name, value] of Object.entries(others)) {
    if (typeof value !== 'string' || value.length <= MAX_TEXT_CHARACTERS) continue;
    throw invalid(`${name} is longer than ${MAX_TEXT_CHARACTERS} characters`);
  }
}

function checkGateway({ url }: JsonObject): void {
  if (url === undefined) throw new MatrixError(400, 'M_MISSING_PARAM', 'Missing parameters: data.url');
  const gateway = typeof url === 'string' ? URL.parse(url) : null;
  if (gateway?.protocol === 'https:' && gateway.pathname === GATEWAY_PATH) return;
  throw invalid(`data.url must be an HTTPS URL with the path ${GATEWAY_PATH}`);
}

function invalid(message: string): MatrixError {
  return new MatrixError(400, 'M_INVALID_PARAM', message);
}
