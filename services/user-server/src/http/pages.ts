import { createHash } from 'node:crypto';
import type { FastifyReply } from 'fastify';

/** Forms may lead elsewhere in the end: who has confirmed an address is sent back to their client. */
const POLICY = [
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; connect-src 'self'",
];
const STYLE =
  'body{font:1.1em sans-serif;max-width:32em;margin:4em auto;padding:0 1em}button,input{font:inherit;padding:.5em 1em}label,input{display:block;margin:.5em 0}';

/** A piece of a page, as HTML. */
export type Html = string & { readonly isHtml: unique symbol };

/** A page of ours, without its head. */
export interface Page {
  readonly title: string;
  readonly content: Html;
  /** What runs on it. Nothing else does. */
  readonly script?: string;
}

/** A piece of a page: texts that are put into it are shown as they are written, lists of pieces become part of it. */
export function html(pieces: TemplateStringsArray, ...values: readonly (string | readonly Html[])[]): Html {
  const texts = values.map((value) => (typeof value === 'string' ? escaped(value) : value.join('')));
  return String.raw({ raw: pieces }, ...texts) as Html;
}

/** Asks whether it is really to be done; the form goes to where the page is. */
export function buttonPage(reply: FastifyReply, title: string, text: string, button: string): void {
  const content = html`<p>${text}</p><form method="post"><button type="submit">${button}</button></form>`;
  sendPage(reply, 200, { title, content });
}

/** Says what there is to say. */
export function messagePage(reply: FastifyReply, status: number, title: string, text: string): void {
  sendPage(reply, status, { title, content: html`<p>${text}</p>` });
}

/** Answers with a page that may load nothing, is in no frame, and leaves no trace. */
export function sendPage(reply: FastifyReply, status: number, { title, content, script }: Page): void {
  const name = escaped(title);
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${name}</title>`;
  const body = `<body><h1>${name}</h1>${content}${script === undefined ? '' : `<script>${script}</script>`}</body>`;
  void reply
    .status(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': [...POLICY, ...(script === undefined ? [] : [scriptSource(script)])].join('; '),
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    .send(`<!DOCTYPE html><html lang="en"><head>${head}<style>${STYLE}</style></head>${body}</html>\n`);
}

function scriptSource(script: string): string {
  return `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
