/** What the HTTP side has to know of the configuration. */
export interface Settings {
  readonly maxUploadBytes: number;
  /** An upload of which nothing comes for so long is given up. */
  readonly uploadIdleMs: number;
  /** Whether anything can be had without an access token. */
  readonly answersAnybody: boolean;
  /** How long the links are good by which those who allow it are sent to the store; undefined when nobody is. */
  readonly redirectLifetimeMs: number | undefined;
}

export const SETTINGS = Symbol('Settings');
