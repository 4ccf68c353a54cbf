import { isNativeError } from 'node:util/types';

const REDACTED = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ITEMS = 50;
const MAX_FIELDS = 100;
const MAX_STRING = 2_000;

/** Names whose values never reach a log: credentials, and what people write to each other. */
const SECRET_NAMES = new Set(
  `access_token accesstoken refresh_token refreshtoken login_token token authorization cookie set-cookie
   password new_password passphrase secret client_secret client_secret_jwt mac nonce as_token hs_token
   registration_shared_secret session_key private_key signing_key auth
   content unsigned body formatted_body ciphertext topic event events pdu pdus edus messages
   values params parameters`
    .split(/\s+/)
    .filter(Boolean),
);

const SECRETS_IN_TEXT = [
  /((?:access_token|refresh_token|loginToken|login_token|client_secret|token|password)=)[^&\s"'#]+/gi,
  /(\bBearer\s+)[^\s"',]+/gi,
  /(\b(?:postgres(?:ql)?|nats|https?|tls|rediss?):\/\/[^\s:/@]*:)[^\s@/]+(?=@)/gi,
];

/** Whether a field of this name is kept out of the logs. */
function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.toLowerCase());
}

/** Masks credentials inside free text: query strings, bearer tokens and passwords in URLs. */
export function redactText(text: string): string {
  let masked = text.length > MAX_STRING ? `${text.slice(0, MAX_STRING)}…` : text;
  for (const pattern of SECRETS_IN_TEXT) masked = masked.replace(pattern, `$1${REDACTED}`);
  return masked;
}

/** A request's URL as it may be logged: the values of secret query parameters are masked, the rest is kept. */
export function redactUrl(url: string): string {
  return redactText(url);
}

/** A copy of a log object in which secrets are masked at any depth, and which is bounded in depth and size. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (isError(value)) return describeError(value, depth);
  if (value instanceof Date) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => redact(item, depth + 1));
  if (isPlain(value)) return redactFields(value, depth);
  return 'toJSON' in value && typeof value.toJSON === 'function'
    ? redact(value.toJSON(), depth + 1)
    : `[${value.constructor?.name ?? 'object'}]`;
}

/** Also of another realm, as a test's runner makes them. */
export function isError(value: unknown): value is Error {
  return isNativeError(value) || value instanceof Error;
}

/** A socket or a request drags half of the process behind it. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function redactFields(value: object, depth: number): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(value).slice(0, MAX_FIELDS)) {
    const field = (value as Record<string, unknown>)[name];
    fields[name] = isSecretName(name) && mayTell(field) ? REDACTED : redact(field, depth + 1);
  }
  return fields;
}

/** How many messages there were, or whether there is a token, is no secret. */
function mayTell(value: unknown): boolean {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}

/** Only what is known to be harmless of an error: a database error also carries the row that offended. */
function describeError(error: Error, depth: number): Record<string, unknown> {
  const { code, errcode, status, constraint } = error as Error & Record<string, unknown>;
  const described: Record<string, unknown> = { type: error.name, message: redactText(error.message) };
  for (const [name, value] of Object.entries({ code, errcode, status, constraint })) {
    if (typeof value === 'string' || typeof value === 'number') described[name] = value;
  }
  if (error.stack) described.stack = redactText(error.stack);
  if (error.cause !== undefined && depth < MAX_DEPTH) described.cause = redact(error.cause, depth + 1);
  return described;
}
