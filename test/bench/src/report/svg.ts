/** Text that may stand in HTML, SVG and their attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** An element; attribute values are escaped, children are markup already. */
export function element(name: string, attributes: Record<string, string | number>, ...children: string[]): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`);
  return `<${name}${written.join('')}>${children.join('')}</${name}>`;
}

/** A label at a point of a chart. */
export function label(x: number, y: number, text: string, anchor: 'start' | 'end' = 'start', kind = ''): string {
  return element('text', { x: round(x), y: round(y), 'text-anchor': anchor, class: kind }, escapeXml(text));
}

export function rectangle(x: number, y: number, width: number, height: number, kind: string): string {
  const size = { x: round(x), y: round(y), width: round(Math.max(width, 0)), height: round(height) };
  return element('rect', { ...size, class: kind });
}

export function round(value: number): number {
  return Math.round(value * 10) / 10;
}
