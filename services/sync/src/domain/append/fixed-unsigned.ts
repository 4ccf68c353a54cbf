import type { JsonObject } from '@ganglion/protocol';

/**
 * What `unsigned` shows of other events. It holds as long as none of these is redacted.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#definition-clientevent_unsigneddata
 */
export interface FixedUnsigned {
  readonly redacted_because?: JsonObject;
  readonly replaces_state?: string;
  readonly prev_content?: JsonObject;
  readonly prev_sender?: string;
}

/** Reads the inside of a JSON object. */
export function parseFixedUnsigned(text: string): FixedUnsigned {
  return JSON.parse(`{${text}}`);
}

/** The inside of a JSON object; that an event is redacted comes first. */
export function fixedUnsignedText({ redacted_because, ...others }: FixedUnsigned): string {
  return JSON.stringify({ ...(redacted_because !== undefined && { redacted_because }), ...others }).slice(1, -1);
}
