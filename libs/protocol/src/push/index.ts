export { defaultPushRules } from './predefined-rules.js';
export * from './push-rule.js';
