import type { FastifyReply } from 'fastify';

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
const STYLE =
  'body{font:1.1em sans-serif;max-width:32em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.5em 1em}';

/** Asks whether it is really to be done; the form goes to where the page is. No text may be anybody else's. */
export function buttonPage(reply: FastifyReply, title: string, text: string, button: string): void {
  send(reply, 200, title, `<p>${text}</p><form method="post"><button type="submit">${button}</button></form>`);
}

/** Says what there is to say. Neither text may be anybody else's. */
export function messagePage(reply: FastifyReply, status: number, title: string, text: string): void {
  send(reply, status, title, `<p>${text}</p>`);
}

function send(reply: FastifyReply, status: number, title: string, content: string): void {
  const head = `<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>`;
  const body = `<body><h1>${title}</h1>${content}</body>`;
  void reply
    .status(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    .send(`<!DOCTYPE html><html lang="en"><head>${head}<style>${STYLE}</style></head>${body}</html>\n`);
}
