import { compilePushRules, NO_PUSH_RULE_CHANGES } from '@ganglion/protocol';

/** The rules of everybody who has not changed any. */
export const USUAL_RULES = compilePushRules(NO_PUSH_RULE_CHANGES);
