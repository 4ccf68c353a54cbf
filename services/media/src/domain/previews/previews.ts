import { MatrixError } from '@ganglion/contracts';
import type { Intake } from '../intake.js';
import { mxcUri, newMediaId } from '../media-ids.js';
import type { ByteStore } from '../ports/byte-store.js';
import {
  type FetchedResource,
  type ImageMeasure,
  type PreviewAnswer,
  type PreviewStore,
  UnreachableUrlError,
  type WebSource,
} from '../ports/preview-ports.js';
import { ThumbnailError } from '../ports/thumbnailer.js';
import { RecentFaults } from '../recent-faults.js';
import { decodePage } from './decode-page.js';
import { firstBytes } from './first-bytes.js';
import { readOEmbed } from './oembed.js';
import type { PageFacts } from './page-facts.js';

export interface PreviewPolicy {
  readonly maxPageBytes: number;
  readonly maxImageBytes: number;
  readonly lifetimeMs: number;
}

/** Pictures outlive the previews that name them: clients keep those for a while. */
const IMAGES_LIVE_ON_MS = 24 * 3_600_000;
const PAGES = 'text/html,application/xhtml+xml;q=0.9,image/*;q=0.8,*/*;q=0.1';
const IMAGES = 'image/webp,image/png,image/jpeg,image/gif;q=0.9,image/*;q=0.5';
const OEMBED = 'application/json';

/** Tells what is behind URLs. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url */
export class Previews {
  readonly #running = new Map<string, Promise<PreviewAnswer>>();
  readonly #faults = new RecentFaults<UnreachableUrlError>();

  constructor(
    private readonly store: PreviewStore,
    private readonly web: WebSource,
    private readonly intake: Intake,
    private readonly bytes: ByteStore,
    private readonly images: ImageMeasure,
    private readonly policy: PreviewPolicy,
  ) {}

  /**
   * @param serverName whose the picture will be, if there is one
   * @throws MatrixError M_INVALID_PARAM, M_FORBIDDEN for where we do not ask, M_UNKNOWN for what cannot be had
   */
  async get(given: string, serverName: string): Promise<PreviewAnswer> {
    const url = previewable(given);
    try {
      return await this.#once(url, () => this.#find(url, serverName));
    } catch (error) {
      if (!(error instanceof UnreachableUrlError)) throw error;
      this.#faults.note(url.href, error);
      throw refusal(error);
    }
  }

  #once({ href }: URL, find: () => Promise<PreviewAnswer>): Promise<PreviewAnswer> {
    const running = this.#running.get(href);
    if (running) return running;
    const begun = find().finally(() => this.#running.delete(href));
    this.#running.set(href, begun);
    return begun;
  }

  /** Nobody looks between the end of one search and the begin of another: what was found is kept by then. */
  async #find(url: URL, serverName: string): Promise<PreviewAnswer> {
    const known = await this.store.find(url.href);
    if (known) return known;
    const fault = this.#faults.of(url.href);
    if (fault) throw fault;
    return this.#make(url, serverName);
  }

  async #make(url: URL, serverName: string): Promise<PreviewAnswer> {
    const answer = await this.#look(await this.web.open(url, PAGES), serverName);
    await this.store.keep(url.href, answer, this.policy.lifetimeMs);
    return answer;
  }

  async #look(found: FetchedResource, serverName: string): Promise<PreviewAnswer> {
    const type = found.contentType.toLowerCase();
    if (type.startsWith('image/')) return (await this.#picture(found, serverName)) ?? {};
    if (!/^(?:text\/html|application\/xhtml\+xml)\b/.test(type)) {
      found.body.on('error', () => {}).destroy();
      return {};
    }
    const bytes = await firstBytes(found.body, this.policy.maxPageBytes);
    // What reads pages is only loaded where there are some to read.
    const { readPage } = await import('./read-page.js');
    const page = readPage(decodePage(bytes, found.contentType));
    const base = resolved(page.base, found.url) ?? found.url;
    const embedded = await this.#embedded(page, base);
    const picture = await this.#firstPicture([...page.images, ...embedded.images], base, serverName);
    return { ...Object.fromEntries([...embedded.properties, ...page.properties]), ...picture };
  }

  /** What oEmbed adds, where the page says too little itself. */
  async #embedded({ oembed, properties, images }: PageFacts, base: URL): Promise<PageFacts> {
    const url = resolved(oembed, base);
    const isEnough = properties.has('og:title') && images.length > 0;
    if (url === undefined || isEnough) return readOEmbed('');
    try {
      const { body } = await this.web.open(url, OEMBED);
      return readOEmbed((await firstBytes(body, this.policy.maxPageBytes)).toString());
    } catch (error) {
      if (error instanceof UnreachableUrlError) return readOEmbed('');
      throw error;
    }
  }

  async #firstPicture(urls: readonly string[], base: URL, serverName: string): Promise<PreviewAnswer> {
    for (const given of new Set(urls)) {
      const url = resolved(given, base);
      if (url === undefined) continue;
      try {
        const picture = await this.#picture(await this.web.open(url, IMAGES), serverName);
        if (picture) return picture;
      } catch (error) {
        if (!(error instanceof UnreachableUrlError)) throw error;
      }
    }
    return {};
  }

  /** Keeps what was found, if it is an image that we know and not too large. */
  async #picture({ body }: FetchedResource, serverName: string): Promise<PreviewAnswer | undefined> {
    try {
      return await this.intake.store(body, this.policy.maxImageBytes, async (stored) => {
        const measured = await this.images.measure(() => this.bytes.get(stored.key), stored.bytes);
        const { contentType, width, height } = measured;
        const name = { serverName, mediaId: newMediaId() };
        await this.store.addImage({ ...name, ...stored, contentType }, this.policy.lifetimeMs + IMAGES_LIVE_ON_MS);
        return {
          'og:image': mxcUri(name),
          'og:image:type': contentType,
          'og:image:width': width,
          'og:image:height': height,
          'matrix:image:size': stored.bytes,
        };
      });
    } catch (error) {
      const isOfThePicture = error instanceof ThumbnailError || error instanceof MatrixError;
      if (isOfThePicture || error instanceof UnreachableUrlError) return undefined;
      throw error;
    } finally {
      body.on('error', () => {}).destroy();
    }
  }
}

/** @throws MatrixError M_INVALID_PARAM */
function previewable(given: string): URL {
  if (!URL.canParse(given)) throw new MatrixError(400, 'M_INVALID_PARAM', 'url is not a URL');
  const url = new URL(given);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new MatrixError(400, 'M_INVALID_PARAM', 'There are previews of http: and https: only');
  }
  url.hash = '';
  return url;
}

function resolved(given: string | undefined, base: URL): URL | undefined {
  if (given === undefined || !URL.canParse(given, base)) return undefined;
  const url = new URL(given, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
}

function refusal({ isForbidden, message }: UnreachableUrlError): MatrixError {
  return isForbidden
    ? new MatrixError(403, 'M_FORBIDDEN', `There are no previews of this URL: ${message}`)
    : new MatrixError(502, 'M_UNKNOWN', `There is no preview of this URL: ${message}`);
}
