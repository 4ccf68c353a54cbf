import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Outgoing } from '@ganglion/outgoing';
import { eventually } from '@ganglion/testing';
import { OutgoingWebSource } from '../src/previews/web-source.js';
import { ALICE, ask, pathOf } from './support/client.js';
import { type Deployment, deploy } from './support/deployment.js';
import { halves } from './support/images.js';

type Respond = (response: ServerResponse, path: string) => unknown;

let deployment: Deployment;
let site: Server;
let origin: string;
let url: string;
let image: Buffer;
const pages = new Map<string, Respond>();
const asked: string[] = [];
let paths = 0;

beforeAll(async () => {
  deployment = await deploy();
  image = await halves(60, 40).png().toBuffer();
  site = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    const respond = pages.get(path);
    if (respond) void respond(response, path);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  url = await deployment.replica({ previews: { ...ON, allowed_networks: ['127.0.0.0/8'] } });
  pages.set('/image.png', (response) => response.writeHead(200, { 'content-type': 'image/png' }).end(image));
});
afterAll(async () => {
  site.closeAllConnections();
  site.close();
  await deployment.close();
});

const ON = { enabled: true, timeout_ms: 3_000, max_page_bytes: 100_000, max_image_bytes: 100_000 };

/** Where something answers so. */
function place(respond: Respond): string {
  const path = `/page/${++paths}`;
  pages.set(path, respond);
  return `${origin}${path}`;
}

const page = (html: string | Buffer, contentType = 'text/html; charset=utf-8') =>
  place((response) => void response.writeHead(200, { 'content-type': contentType }).end(html));

const preview = (of: string, at = url) =>
  ask(at, 'GET', `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(of)}`, { as: ALICE });
const bodyOf = async (of: string) => (await preview(of)).body;

describe('a preview', () => {
  it('is what a page says by Open Graph, with its picture as a file of ours', async () => {
    const { status, body } = await preview(
      page(`<html><head><title>Title</title><meta property="og:title" content="A &amp; B"/>
        <meta property="og:description" content="About\n  it"/><meta property="og:type" content="article">
        <meta property="og:image" content="/image.png"><meta property="og:image:width" content="9999">
        <meta property="og:evil<script>" content="x"></head><body><p>Text</p></body></html>`),
    );
    expect(status).toBe(200);
    expect(body).toEqual({
      'og:title': 'A & B',
      'og:description': 'About it',
      'og:type': 'article',
      'og:image': expect.stringMatching(/^mxc:\/\/one\.test\/[\w-]+$/),
      'og:image:type': 'image/png',
      'og:image:width': 60,
      'og:image:height': 40,
      'matrix:image:size': image.length,
    });
    const download = await ask(url, 'GET', pathOf(body['og:image']), { as: ALICE });
    expect([download.status, download.headers['content-type'], download.bytes.equals(image)]).toEqual([
      200,
      'image/png',
      true,
    ]);
  });

  it('falls back to cards of Twitter, the description, the title, headings and paragraphs', async () => {
    expect(
      await bodyOf(
        page(`<meta name="twitter:title" content="Card"><meta name="twitter:image" content="${origin}/image.png">`),
      ),
    ).toMatchObject({ 'og:title': 'Card', 'og:image:width': 60 });
    expect(await bodyOf(page('<title>The <b>title</b></title><meta name="Description" content="What it is">'))).toEqual(
      {
        'og:title': 'The <b>title</b>',
        'og:description': 'What it is',
      },
    );
    expect(
      await bodyOf(
        page('<nav><p>Menu</p></nav><h1>Heading</h1><script>no()</script><p>First <i>part</i>.</p><p>Second.</p>'),
      ),
    ).toEqual({ 'og:title': 'Heading', 'og:description': 'First part. Second.' });
  });

  it('asks oEmbed where the page says that there is some', async () => {
    const oembed = place(
      (response) =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(
          JSON.stringify({
            type: 'video',
            title: 'A film',
            provider_name: 'Films',
            thumbnail_url: `${origin}/image.png`,
          }),
        ),
    );
    const body = await bodyOf(page(`<link rel="alternate" type="application/json+oembed" href="${oembed}">`));
    expect(body).toMatchObject({ 'og:title': 'A film', 'og:site_name': 'Films', 'og:image:height': 40 });
    const none = await bodyOf(
      page(`<title>T</title><link rel="alternate" type="application/json+oembed" href="/nowhere">`),
    );
    expect(none).toEqual({ 'og:title': 'T' });
  });

  it.each([
    ['what the server says', Buffer.from('<title>caf\xe9</title>', 'latin1'), 'text/html; charset=ISO-8859-1', 'café'],
    [
      'what the page says',
      Buffer.from('<meta charset="windows-1251"><title>\xcf\xf0\xe8</title>', 'latin1'),
      'text/html',
      'При',
    ],
    [
      'an older form of that',
      Buffer.from(
        '<meta http-equiv="content-type" content="text/html; charset=shift_jis"><title>\x93\xfa</title>',
        'latin1',
      ),
      'text/html',
      '日',
    ],
    ['a byte order mark', Buffer.from('\ufeff<title>\u65e5</title>', 'utf16le'), 'text/html; charset=utf-8', '日'],
    ['UTF-8 where nobody says', Buffer.from('<title>日本</title>'), 'text/html', '日本'],
    ['UTF-8 where nobody knows the name', Buffer.from('<title>日本</title>'), 'text/html; charset=klingon', '日本'],
  ])('reads character sets: %s', async (_, bytes, type, title) => {
    expect(await bodyOf(page(bytes, type))).toEqual({ 'og:title': title });
  });

  it('of a picture is the picture, and of anything else is empty', async () => {
    expect(await bodyOf(`${origin}/image.png`)).toMatchObject({ 'og:image:width': 60, 'og:image:type': 'image/png' });
    expect(await bodyOf(page('%PDF', 'application/pdf'))).toEqual({});
    expect(await bodyOf(page('<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml'))).toEqual({});
    expect(await bodyOf(page('not an image', 'image/png'))).toEqual({});
    expect(
      await bodyOf(page('<title>T</title><meta property="og:image" content="data:image/png;base64,AAAA">')),
    ).toEqual({
      'og:title': 'T',
    });
  });

  it('is read where the page was moved to, and where it is compressed though nobody asked', async () => {
    const target = place((response) => {
      const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' };
      response
        .writeHead(200, headers)
        .end(gzipSync('<title>Moved</title><meta property="og:image" content="../image.png">'));
    });
    const moved = place((response) => void response.writeHead(302, { location: target }).end());
    expect(await bodyOf(moved)).toMatchObject({ 'og:title': 'Moved', 'og:image:width': 60 });
  });

  it('shows nothing that is not to be seen, and no text without end', async () => {
    const body = await bodyOf(
      page(
        `<meta property="og:title" content="a\u202eb\u0000c"><meta property="og:description" content="${'x'.repeat(5_000)}">`,
      ),
    );
    expect(body['og:title']).toBe('ab c');
    expect(body['og:description'].length).toBe(1_000);
  });
});

describe('a preview is shared', () => {
  it('among all who ask, of every replica, for a while', async () => {
    const target = page('<title>Shared</title>');
    const path = new URL(target).pathname;
    const other = await deployment.replica({ previews: { ...ON, allowed_networks: ['127.0.0.0/8'] } });
    await Promise.all(Array.from({ length: 10 }, () => preview(target)));
    expect((await preview(`${target}#part`, other)).body).toEqual({ 'og:title': 'Shared' });
    expect(asked.filter((each) => each === path).length).toBe(1);
    pages.set(
      path,
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<title>New</title>'),
    );
    await deployment.db.query({ text: 'UPDATE media.previews SET fresh_until = now()' });
    expect(await bodyOf(target)).toEqual({ 'og:title': 'New' });
  });

  it('and its picture goes some time after it', async () => {
    const body = await bodyOf(page('<title>P</title><meta property="og:image" content="/image.png">'));
    const status = async () => (await ask(url, 'GET', pathOf(body['og:image']), { as: ALICE })).status;
    expect(await status()).toBe(200);
    await deployment.db.query({ text: 'UPDATE media.preview_images SET remove_at = now()' });
    await eventually(async () => expect(await status()).toBe(404));
  });
});

describe('a preview does not run away with', () => {
  it('a page that streams without end', async () => {
    const endless = place((response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.write('<title>Endless</title>');
      const filler = 'x'.repeat(50_000);
      const more = () => {
        while (!response.destroyed && response.write(filler));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await bodyOf(endless)).toEqual({ 'og:title': 'Endless' });
  });

  it('a page that drips', async () => {
    const slow = place((response) => {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.write('<title>Slow</title>');
      const timer = setInterval(() => response.write(' '), 100);
      response.on('close', () => clearInterval(timer));
    });
    expect(await bodyOf(slow)).toEqual({ 'og:title': 'Slow' });
    const silent = place(() => {});
    expect((await preview(silent)).status).toBe(502);
  });

  it('a bomb of compression, a page as deep as it is long, or a picture that is too large', async () => {
    const bomb = place((response) => {
      const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' };
      response
        .writeHead(200, headers)
        .end(gzipSync(Buffer.concat([Buffer.from('<title>B</title>'), Buffer.alloc(50_000_000, 32)])));
    });
    expect(await bodyOf(bomb)).toEqual({ 'og:title': 'B' });
    expect(await bodyOf(page(`<title>Deep</title>${'<div>'.repeat(20_000)}`))).toEqual({ 'og:title': 'Deep' });
    const large = place(
      (response) =>
        void response
          .writeHead(200, { 'content-type': 'image/png' })
          .end(Buffer.concat([image, Buffer.alloc(200_000)])),
    );
    expect(await bodyOf(page(`<title>L</title><meta property="og:image" content="${large}">`))).toEqual({
      'og:title': 'L',
    });
  });

  it('redirects in a circle', async () => {
    const path = `/page/${paths + 1}`;
    const circle = place((response) => void response.writeHead(302, { location: path }).end());
    expect((await preview(circle)).status).toBe(502);
  });
});

describe('a preview is refused', () => {
  it.each([
    'http://127.0.0.1/',
    'http://localhost/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://169.254.169.254/latest/meta-data/',
    'http://10.0.0.1/',
    'http://192.168.1.1/',
    'http://172.16.0.1/',
    'http://100.64.0.1/',
    'http://0.0.0.0/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://user:secret@example.org/',
  ])('of %s, which is not of the Web', async (target) => {
    const strict = await deployment.replica({ previews: ON });
    const { status, body } = await preview(target, strict);
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN']);
  });

  it('of what leads there by a redirect, by its picture or by its oEmbed', async () => {
    const inner = createServer((_, response) => response.end('secret'));
    await new Promise<void>((resolve) => inner.listen(0, '127.0.0.2', resolve));
    const secret = `http://127.0.0.2:${(inner.address() as AddressInfo).port}/`;
    const narrow = await deployment.replica({ previews: { ...ON, allowed_networks: ['127.0.0.1'] } });
    const redirect = place((response) => void response.writeHead(302, { location: secret }).end());
    expect((await preview(redirect, narrow)).body.errcode).toBe('M_FORBIDDEN');
    const picture = page(`<title>T</title><meta property="og:image" content="${secret}">`);
    expect((await preview(picture, narrow)).body).toEqual({ 'og:title': 'T' });
    const oembed = page(`<title>T</title><link rel="alternate" type="application/json+oembed" href="${secret}">`);
    expect((await preview(oembed, narrow)).body).toEqual({ 'og:title': 'T' });
    inner.close();
  });

  it.each([
    ['ftp://example.org/', 400, 'M_INVALID_PARAM'],
    ['file:///etc/passwd', 400, 'M_INVALID_PARAM'],
    ['javascript:alert(1)', 400, 'M_INVALID_PARAM'],
    ['no url', 400, 'M_INVALID_PARAM'],
    ['', 400, 'M_INVALID_PARAM'],
  ])('of %s', async (target, status, errcode) => {
    const answer = await preview(target);
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode]);
  });

  it('of what is not there, and of hosts that the operator names', async () => {
    expect((await preview(`${origin}/nothing`)).body).toMatchObject({ errcode: 'M_UNKNOWN' });
    const picky = await deployment.replica({
      previews: { ...ON, allowed_networks: ['127.0.0.0/8'], denied_hosts: ['127.0.*'] },
    });
    expect((await preview(page('<title>T</title>'), picky)).body.errcode).toBe('M_FORBIDDEN');
  });

  it('of a host that the operator names and that something leads to, which is not asked', async () => {
    let asked = 0;
    const inner = createServer((_, response) => {
      asked += 1;
      response.end('secret');
    });
    await new Promise<void>((resolve) => inner.listen(0, '127.0.0.2', resolve));
    const location = `http://127.0.0.2:${(inner.address() as AddressInfo).port}/`;
    const picky = await deployment.replica({
      previews: { ...ON, allowed_networks: ['127.0.0.0/8'], denied_hosts: ['127.0.0.2'] },
    });
    const redirect = place((response) => void response.writeHead(302, { location }).end());
    expect([(await preview(redirect, picky)).body.errcode, asked]).toEqual(['M_FORBIDDEN', 0]);
    inner.close();
  });

  it('where the operator has not switched previews on, without a token, and without a URL', async () => {
    const off = await deployment.replica();
    const { status, body } = await preview(`${origin}/image.png`, off);
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED']);
    const path = '/_matrix/media/v3/preview_url';
    expect((await ask(url, 'GET', `${path}?url=${origin}`)).body.errcode).toBe('M_MISSING_TOKEN');
    expect((await ask(url, 'GET', path, { as: ALICE })).body.errcode).toBe('M_MISSING_PARAM');
    expect((await ask(url, 'GET', `${path}?url=${origin}/image.png&ts=soon`, { as: ALICE })).body.errcode).toBe(
      'M_INVALID_PARAM',
    );
  });
});

describe('a name whose address is another one when it is connected to', () => {
  const settings = { allowedNetworks: [], deniedHosts: [], timeoutMs: 3_000, maxRedirects: 3, acceptLanguage: 'en' };
  let seen = 0;
  let inner: Server;
  let port: number;

  beforeAll(async () => {
    inner = createServer((_, response) => {
      seen += 1;
      response.end('secret');
    });
    // Over IPv6 as well, where there is such a thing.
    await new Promise<void>((resolve) => inner.listen(0, resolve));
    port = (inner.address() as AddressInfo).port;
  });
  afterAll(() => inner.close());

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '64:ff9b::7f00:1', 'fd00::1', 'fe80::1'])(
    'is not looked at there: %s',
    async (address) => {
      // What the Internet has, which is not to be reached from here.
      const open = { address: '8.8.8.8', family: 4 };
      const closed = { address, family: isIP(address) };
      const answers = [[open], [closed], [open, closed]];
      const outgoing = new Outgoing({
        connectTimeoutMs: 300,
        lookup: (_, __, done) => done(null, answers.shift() ?? [closed]),
      });
      const web = new OutgoingWebSource(settings, outgoing);
      const look = () => web.open(new URL(`http://rebound.example:${port}/`), '*/*');
      await expect(look()).rejects.toMatchObject({ isForbidden: false });
      await expect(look()).rejects.toMatchObject({ isForbidden: true });
      await expect(look()).rejects.toMatchObject({ isForbidden: false });
      expect([answers.length, seen]).toEqual([0, 0]);
      await web.close();
    },
  );
});
