import type { PageFacts } from './page-facts.js';
import { FactCollector } from './page-facts.js';

/**
 * What an answer of oEmbed says of a page; nothing when it is none.
 *
 * @see https://oembed.com/
 */
export function readOEmbed(text: string): PageFacts {
  const collector = new FactCollector();
  const said = objectOf(text);
  const field = (name: string) => (typeof said[name] === 'string' ? said[name] : '');
  collector.instead('og:title', field('title') || field('author_name'));
  collector.instead('og:site_name', field('provider_name'));
  if (said.type === 'photo') collector.imageInstead(field('url'));
  collector.imageInstead(field('thumbnail_url'));
  return collector.facts();
}

function objectOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
