import { Parser } from 'htmlparser2';
import { FactCollector, type PageFacts } from './page-facts.js';

type Attributes = Readonly<Record<string, string>>;

/** Text of these is no text of the page. */
const SILENT = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'svg',
  'iframe',
  'nav',
  'header',
  'footer',
  'aside',
]);
const TEXT_ENOUGH = 2_000;

/**
 * What an HTML page says of itself: Open Graph before Twitter's cards, before its description and title, before its first heading and
 * paragraphs. Nothing of it is kept as a tree: how deep it is nested makes no difference.
 */
export function readPage(html: string): PageFacts {
  const collector = new FactCollector();
  const reader = new PageReader(collector);
  const parser = new Parser(reader, { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true });
  parser.write(html);
  parser.end();
  reader.finish();
  return collector.facts();
}

class PageReader {
  readonly #cards = new Map<string, string>();
  #description = '';
  #title = '';
  #heading = '';
  #paragraphs = '';
  #within: 'title' | 'h1' | 'p' | undefined;
  #silent = 0;

  constructor(private readonly collector: FactCollector) {}

  onopentag(name: string, attributes: Attributes): void {
    if (SILENT.has(name)) this.#silent++;
    if (name === 'meta') this.#meta(attributes);
    if (name === 'link') this.#link(attributes);
    if (name === 'base' && attributes.href) this.collector.base ??= attributes.href;
    if (name === 'title' || name === 'h1' || name === 'p') this.#within = name;
  }

  onclosetag(name: string): void {
    if (SILENT.has(name)) this.#silent = Math.max(0, this.#silent - 1);
    if (name === 'p') this.#paragraphs += '\n';
    if (name === this.#within) this.#within = undefined;
  }

  ontext(text: string): void {
    if (this.#silent > 0) return;
    if (this.#within === 'title' && this.#title.length < TEXT_ENOUGH) this.#title += text;
    if (this.#within === 'h1' && this.#heading.length < TEXT_ENOUGH) this.#heading += text;
    if (this.#within === 'p' && this.#paragraphs.length < TEXT_ENOUGH) this.#paragraphs += text;
  }

  /** The best last, as far as there is anything. */
  finish(): void {
    const card = (name: string) => this.#cards.get(`twitter:${name}`) ?? '';
    for (const title of [card('title'), this.#title, this.#heading]) this.collector.instead('og:title', title);
    for (const text of [card('description'), this.#description, this.#paragraphs]) {
      this.collector.instead('og:description', text);
    }
    for (const image of [card('image'), card('image:src')]) this.collector.imageInstead(image);
  }

  #meta({ property, name, content = '' }: Attributes): void {
    for (const key of [property, name]) {
      const known = key?.trim().toLowerCase() ?? '';
      if (known.startsWith('og:')) this.collector.property(known, content);
      else if (known.startsWith('twitter:') && !this.#cards.has(known)) this.#cards.set(known, content);
      else if (known === 'description') this.#description ||= content;
    }
  }

  #link({ rel = '', type = '', href = '' }: Attributes): void {
    const relations = rel.toLowerCase().split(/\s+/);
    if (relations.includes('image_src')) this.collector.imageInstead(href);
    if (relations.includes('alternate') && type.toLowerCase() === 'application/json+oembed' && href !== '') {
      this.collector.oembed ??= href;
    }
  }
}
