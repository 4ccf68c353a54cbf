export type ThumbnailMethod = 'crop' | 'scale';

/** What somebody asks for. */
export interface WantedThumbnail {
  readonly width: number;
  readonly height: number;
  readonly method: ThumbnailMethod;
  readonly animated: boolean;
}

/** A thumbnail as it is made, which may be larger than what was asked for. */
export interface ThumbnailKind extends WantedThumbnail {
  /** The same for all that are made alike. */
  readonly name: string;
}

/** The longer side of what is made: with the sizes that the specification names, so that few kinds serve all who ask. */
const LONGER_SIDES = [32, 48, 64, 96, 128, 192, 256, 320, 480, 640, 800, 1024, 1280, 1600, 2048];
const STEP_BEYOND = 2048;

/**
 * The kind that serves those who want this: of the same shape, and not smaller.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#thumbnails
 */
export function thumbnailKind({ width, height, method, animated }: WantedThumbnail): ThumbnailKind {
  const longer = Math.max(width, height);
  const made = LONGER_SIDES.find((side) => side >= longer) ?? Math.ceil(longer / STEP_BEYOND) * STEP_BEYOND;
  const scaled = (side: number) => Math.max(1, Math.ceil((side * made) / longer));
  const size = { width: scaled(width), height: scaled(height) };
  return { ...size, method, animated, name: `${size.width}x${size.height}-${method}${animated ? '-animated' : ''}` };
}
