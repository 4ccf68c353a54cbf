import { ProtocolError } from '../errors.js';

/** A change of push rules that the API refuses with status 400. */
export class InvalidPushRuleError extends ProtocolError {
  readonly errcode: 'M_INVALID_PARAM' | 'M_MISSING_PARAM' | 'M_BAD_JSON' | 'M_UNKNOWN';

  constructor(errcode: InvalidPushRuleError['errcode'], message: string) {
    super(message);
    this.errcode = errcode;
  }
}

/** A push rule that does not exist: status 404. */
export class PushRuleNotFoundError extends ProtocolError {
  readonly errcode = 'M_NOT_FOUND';

  constructor() {
    super('The push rule was not found');
  }
}
