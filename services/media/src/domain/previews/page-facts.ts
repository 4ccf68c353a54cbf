/** What a page says of itself. */
export interface PageFacts {
  /** Open Graph, by its names, `og:` included; the first of each. */
  readonly properties: ReadonlyMap<string, string>;
  /** Where a picture may be, the best place first; not resolved. */
  readonly images: readonly string[];
  /** Where oEmbed is, if the page says so; not resolved. */
  readonly oembed: string | undefined;
  /** What its links are relative to, if not to itself. */
  readonly base: string | undefined;
}

const MAX_PROPERTIES = 50;
const MAX_TEXT = 1_000;
const MAX_URL = 2_048;
const IMAGE = /^og:image(?::(?:secure_)?url)?$/;

/** As it may be shown: on one line, with nothing that is not to be seen, and not too long. */
function tidied(text: string, most = MAX_TEXT): string {
  const line = text
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
    .trim();
  return line.length <= most
    ? line
    : `${line
        .slice(0, most - 1)
        .trimEnd()
        .toWellFormed()}…`;
}

/** Gathers what is said of a page, in an order in which the better ones come first. */
export class FactCollector {
  readonly #properties = new Map<string, string>();
  readonly #spare = new Map<string, string>();
  readonly #images: string[] = [];
  readonly #spareImages: string[] = [];
  oembed: string | undefined;
  base: string | undefined;

  /** What the page itself says by Open Graph. */
  property(name: string, value: string): void {
    if (IMAGE.test(name)) this.#image(value);
    if (!/^og:[a-z_]+(?::[a-z_]+)*$/.test(name) || name.startsWith('og:image') || name.length > 64) return;
    const text = tidied(value);
    if (text !== '' && !this.#properties.has(name) && this.#properties.size < MAX_PROPERTIES) {
      this.#properties.set(name, text);
    }
  }

  /** What serves where Open Graph says nothing; what comes first is taken. */
  instead(name: 'og:title' | 'og:description' | 'og:site_name', value: string): void {
    const text = tidied(value);
    if (text !== '' && !this.#spare.has(name)) this.#spare.set(name, text);
  }

  imageInstead(url: string): void {
    if (isUsable(url)) this.#spareImages.push(url);
  }

  facts(): PageFacts {
    const properties = new Map([...this.#spare, ...this.#properties]);
    const { oembed, base } = this;
    return { properties, images: [...this.#images, ...this.#spareImages].slice(0, 4), oembed, base };
  }

  #image(url: string): void {
    if (isUsable(url)) this.#images.push(url);
  }
}

function isUsable(url: string): boolean {
  return url !== '' && url.length <= MAX_URL && !/^(?:data|javascript|blob):/i.test(url);
}
