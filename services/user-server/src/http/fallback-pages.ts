import { PASSWORD_LOGIN } from '../domain/login.js';
import { REGISTRATION_TOKEN, TERMS } from '../domain/registration-flows.js';
import { DUMMY } from '../domain/uia-stages.js';
import { type Html, html, type Page } from './pages.js';

/** Tells the client that it may go on, in a view of its own or in the window that has opened this one. */
const DONE = `if (window.onAuthDone) window.onAuthDone();
else if (window.opener && window.opener.postMessage) window.opener.postMessage('authDone', '*');`;

/** @see https://spec.matrix.org/v1.19/client-server-api/#fallback */
export const AUTH_DONE: Page = {
  title: 'Thank you',
  content: html`<p>This step is done. You can close this window and go on where you came from.</p>`,
  script: DONE,
};

interface Form {
  readonly title: string;
  readonly button: string;
  inputs(params: object | undefined): Html;
}

const FORMS: Readonly<Record<string, Form>> = {
  [DUMMY]: { title: 'Go on?', button: 'Go on', inputs: () => html`<p>Only go on if you have asked for this.</p>` },
  [TERMS]: { title: 'Terms of use', button: 'I agree', inputs: documents },
  [REGISTRATION_TOKEN]: {
    title: 'Registration token',
    button: 'Go on',
    inputs: () => html`<label for="token">The token that you were given to get an account</label>
      <input id="token" name="token" required autofocus autocomplete="off">`,
  },
  [PASSWORD_LOGIN]: {
    title: 'Confirm that it is you',
    button: 'Go on',
    inputs: () => html`<label for="password">Your password</label>
      <input id="password" name="password" type="password" required autofocus autocomplete="current-password">`,
  },
};

/** The page of a stage; undefined when there is none for it. */
export function stagePage(type: string, params: object | undefined, failure?: string): Page | undefined {
  const form = Object.hasOwn(FORMS, type) ? FORMS[type] : undefined;
  if (form === undefined) return undefined;
  const { title, button, inputs } = form;
  const why = failure === undefined ? [] : [html`<p role="alert">${failure}</p>`];
  const content = html`${why}<form method="post">${[inputs(params)]}<button type="submit">${button}</button></form>`;
  return { title, content };
}

interface Document {
  readonly name: string;
  readonly url: string;
}

/** In each language: who reads one of them knows which. */
function documents(params: object | undefined): Html {
  const { policies = {} } = (params ?? {}) as { policies?: Record<string, Record<string, Document | string>> };
  const links = Object.values(policies)
    .flatMap((languages) => Object.entries(languages))
    .flatMap(([language, document]) => (typeof document === 'string' ? [] : [{ language, ...document }]));
  const items = links.map(
    ({ language, name, url }) =>
      html`<li><a href="${url}" lang="${language}" target="_blank" rel="noopener noreferrer">${name}</a></li>`,
  );
  return html`<p>Please read these, and go on if you agree:</p><ul>${items}</ul>`;
}
