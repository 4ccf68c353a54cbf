/** What the HTTP side has to know of the configuration. */
export interface Settings {
  readonly maxUploadBytes: number;
  /** An upload of which nothing comes for so long is given up. */
  readonly uploadIdleMs: number;
  /** Whether anything can be had without an access token. */
  readonly answersAnybody: boolean;
}

export const SETTINGS = Symbol('Settings');
