import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Letter, LetterKind, LetterWords, LetterWriter } from '../domain/ports.js';

interface Template {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const linked = (subject: string, why: string, otherwise: string): Template => ({
  subject,
  text: `${why}\n\n{{link}}\n\n${otherwise}\n`,
  html: page(`<p>${why}</p><p><a href="{{link}}">{{link}}</a></p><p>${otherwise}</p>`),
});

const UNASKED = 'If you have not asked for this, leave the link alone: nothing will happen then.';

/** The texts that are used where an operator has none of their own. */
const BUILT_IN: Readonly<Record<LetterKind, Template>> = {
  'confirm-registration': linked(
    'Confirm your e-mail address for {{server}}',
    'Somebody, you perhaps, wants an account on {{server}} with the address {{address}}. To show that it is yours, follow this link:',
    UNASKED,
  ),
  'reset-password': linked(
    'A new password for your account on {{server}}',
    'Somebody, you perhaps, wants to set a new password for the account on {{server}} that {{address}} belongs to. To allow it, follow this link:',
    'If you have not asked for this, leave the link alone: whoever follows it lets somebody else into your account.',
  ),
  'confirm-address': linked(
    'Confirm your e-mail address for {{server}}',
    'Somebody, you perhaps, wants to add the address {{address}} to their account on {{server}}. To show that it is yours, follow this link:',
    UNASKED,
  ),
  'renew-account': linked(
    'Your account on {{server}} is to be renewed',
    'Your account {{user}} on {{server}} expires, or has expired. If you want to keep it, follow this link:',
    'If you do not, there is nothing that you need to do: the account can be used no more then.',
  ),
  'address-in-use': {
    subject: 'You have an account on {{server}} already',
    text: 'Somebody, you perhaps, wants to use the address {{address}} for an account on {{server}}, and it belongs to one already.\n\nIf it was you: log in with it, or ask for a new password. If it was not, there is nothing that you need to do.\n',
    html: page(
      '<p>Somebody, you perhaps, wants to use the address {{address}} for an account on {{server}}, and it belongs to one already.</p><p>If it was you: log in with it, or ask for a new password. If it was not, there is nothing that you need to do.</p>',
    ),
  },
};

/** Writes e-mails from templates: an operator's own, or those that come with us. */
export class Templates implements LetterWriter {
  readonly #templates: Readonly<Record<LetterKind, Template>>;

  /** @throws Error when a template is there and cannot be read, or has no subject */
  constructor(folder: string | undefined) {
    const entries = Object.entries(BUILT_IN).map(([kind, builtIn]) => [kind, ownOr(folder, kind, builtIn)]);
    this.#templates = Object.fromEntries(entries);
  }

  write(kind: LetterKind, recipient: string, words: LetterWords): Letter {
    const { subject, text, html } = this.#templates[kind];
    const all = { ...words, address: recipient };
    return {
      recipient,
      subject: filled(subject, all, (word) => word),
      text: filled(text, all, (word) => word),
      html: filled(html, all, escapeHtml),
    };
  }
}

/** Either part may be the operator's. */
function ownOr(folder: string | undefined, kind: string, builtIn: Template): Template {
  if (folder === undefined) return builtIn;
  const [textFile, htmlFile] = [join(folder, `${kind}.txt`), join(folder, `${kind}.html`)];
  const html = existsSync(htmlFile) ? readFileSync(htmlFile, 'utf8') : builtIn.html;
  if (!existsSync(textFile)) return { ...builtIn, html };
  const [, subject, text] = /^Subject: *([^\r\n]+)\r?\n(?:\r?\n)?(.*)$/s.exec(readFileSync(textFile, 'utf8')) ?? [];
  if (subject === undefined || text === undefined) throw new Error(`${textFile} does not begin with "Subject: "`);
  return { subject, text, html };
}

function filled(template: string, words: Readonly<Record<string, string>>, quote: (word: string) => string): string {
  return template.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => {
    const word = Object.hasOwn(words, name) ? words[name] : undefined;
    return word === undefined ? whole : quote(word);
  });
}

function page(content: string): string {
  return `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>${content}</body></html>\n`;
}

/** Text that stands for itself in HTML, attributes included. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
