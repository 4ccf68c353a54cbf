import { RateLimited } from '@ganglion/http';
import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { html, type Page, sendPage } from './pages.js';

/** Logs in as any client does, and hands the answer to the client that shows the page. */
const SCRIPT = `
const form = document.querySelector('form');
const say = (text) => { document.getElementById('said').textContent = text; };
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const asked = new URLSearchParams(location.search);
  const body = {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: form.elements.user.value.trim() },
    password: form.elements.password.value,
  };
  for (const name of ['device_id', 'initial_device_display_name']) if (asked.get(name)) body[name] = asked.get(name);
  if (asked.get('refresh_token') === 'true') body.refresh_token = true;
  form.elements.submit.disabled = true;
  say('');
  try {
    const answer = await fetch(location.pathname.replace(/[/]_matrix[/]static[/].*/, '') + '/_matrix/client/v3/login', { method: 'POST', body: JSON.stringify(body) });
    const session = await answer.json();
    if (!answer.ok) {
      say(session.error || 'That did not work.');
    } else {
      form.hidden = true;
      say('You are logged in. You can go back to where you came from.');
      if (window.matrixLogin && window.matrixLogin.onLogin) window.matrixLogin.onLogin(session);
      else if (window.onLogin) window.onLogin(session);
    }
  } catch {
    say('The server could not be reached.');
  }
  form.elements.submit.disabled = false;
});`;

const PAGE: Page = {
  title: 'Log in',
  content: html`<noscript><p>This page needs JavaScript.</p></noscript>
    <p id="said" role="status"></p>
    <form method="post" action="">
      <label for="user">User name</label>
      <input id="user" name="user" required autofocus autocomplete="username" autocapitalize="none" spellcheck="false">
      <label for="password">Password</label>
      <input id="password" name="password" type="password" required autocomplete="current-password">
      <button id="submit" type="submit">Log in</button>
    </form>`,
  script: SCRIPT,
};

/**
 * The page for clients that know none of our ways to log in.
 *
 * @see https://spec.matrix.org/v1.19/client-server-api/#login-fallback
 */
@Controller('_matrix/static/client/login')
export class LoginFallbackController {
  @Get()
  @RateLimited('lookups')
  show(@Res() reply: FastifyReply): void {
    sendPage(reply, 200, PAGE);
  }
}
