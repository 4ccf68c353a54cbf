/** What Nest injects into the controllers. */
export const OWNERS = Symbol('Owners');
export const ROOMS_CONFIG = Symbol('RoomsConfig');
export const CONFIG = Symbol('Config');
