import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { SourceStore } from '../../src/stores/port.js';
import { fetchPage } from '../../src/stores/web-pages.js';
import { createWebStore } from '../../src/stores/web-store.js';
import { startFileServer } from '../helpers/file-server.js';
import type { FileServer } from '../helpers/file-server.js';

let server: FileServer;
let store: SourceStore;
beforeAll(async () => {
  server = await startFileServer();
  store = createWebStore({ allow: [server.host] });
});
beforeEach(() => {
  Object.assign(server, { trouble: null, ranges: true, validators: true });
  server.asked.length = 0;
});
afterAll(() => server.close());

const data = Buffer.from(Array.from({ length: 1_500_000 }, (_, n) => `${n * 7919}\n`).join(''));

function put(path: string, bytes: Buffer | string = data): string {
  server.files.set(path, Buffer.from(bytes));
  return server.url + path;
}

describe('a file on a web server', () => {
  it('is found with its size and version, and its name without the query', async () => {
    const [found] = await store.find(`${put('/a.csv', 'a,b\n')}?token=secret`);
    expect(found).toMatchObject({
      label: `${server.url}/a.csv`,
      pin: { size: 4, etag: expect.any(String), modified: null },
    });
  });

  it('is read in any order, and ahead where it is read in order', async () => {
    const uri = put('/data');
    const [found] = await store.find(uri);
    const source = await store.open(uri, found!.pin);
    expect(source.size).toBe(data.length);
    for (const [start, end] of [
      [0, 10],
      [data.length - 5, data.length + 100],
      [5_000_000, 5_000_100],
      [data.length, data.length + 1],
    ] as const) {
      expect((await source.read(start, end)).equals(data.subarray(start, end))).toBe(true);
    }
    server.asked.length = 0;
    const blocks: Buffer[] = [];
    for (let at = 0; at < data.length; at += 300_000) blocks.push(await source.read(at, at + 300_000));
    expect(Buffer.concat(blocks).equals(data)).toBe(true);
    expect(server.asked.length).toBeLessThan(12);
    await source.close();
  });

  it('that gives no ranges is read from its beginning', async () => {
    server.ranges = false;
    const uri = put('/whole');
    const [found] = await store.find(uri);
    expect(found!.pin).toMatchObject({ size: data.length, streamed: true });
    const source = await store.open(uri, found!.pin);
    expect((await source.read(0, 4)).equals(data.subarray(0, 4))).toBe(true);
    const blocks: Buffer[] = [];
    for await (const block of source.stream!()) blocks.push(block);
    expect(Buffer.concat(blocks).equals(data)).toBe(true);
    await source.close();
  });

  it('may be empty', async () => {
    const uri = put('/empty', '');
    const source = await store.open(uri, (await store.find(uri))[0]!.pin);
    expect([source.size, (await source.read(0, 10)).length]).toEqual([0, 0]);
  });

  it('that changed is told, before it is read and while it is', async () => {
    for (const ranges of [true, false]) {
      server.ranges = ranges;
      const uri = put('/changing');
      const [found] = await store.find(uri);
      const source = await store.open(uri, found!.pin);
      put('/changing', Buffer.concat([data, Buffer.from('more')]));
      await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'source.changed', retryable: false });
      await expect(store.open(uri, found!.pin)).rejects.toMatchObject({ code: 'source.changed' });
      await source.close();
    }
  });

  it('is asked for again where the answer breaks off or the server is busy', async () => {
    const uri = put('/shaky');
    const [found] = await store.find(uri);
    const source = await store.open(uri, found!.pin);
    let failures = 2;
    server.trouble = (_, response) => {
      if (failures-- <= 0) return false;
      if (failures === 1) response.writeHead(503).end();
      else
        response
          .writeHead(206, {
            'content-range': `bytes 0-9/${data.length}`,
            'content-length': 10,
            etag: (found!.pin as { etag: string }).etag,
          })
          .write('abc', () => response.destroy());
      return true;
    };
    expect((await source.read(0, 10)).equals(data.subarray(0, 10))).toBe(true);
    server.trouble = (_, response) => {
      response.writeHead(500).end();
      return true;
    };
    await expect(source.read(50_000_00, 50_000_10)).rejects.toMatchObject({
      code: 'source.unreachable',
      retryable: true,
    });
    await source.close();
  });

  it.each([
    [404, 'source.not_found'],
    [403, 'source.denied'],
    [400, 'source.unreadable'],
  ])('that is refused by %i: %s', async (status, code) => {
    server.trouble = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    await expect(store.find(`${server.url}/x.csv?token=secret`)).rejects.toMatchObject({
      code,
      message: expect.not.stringContaining('secret') as string,
    });
  });

  it('does not take a password that would be kept with the job', async () => {
    await expect(store.find('http://me:secret@example.org/x.csv')).rejects.toMatchObject({
      code: 'source.secret_in_uri',
      message: expect.not.stringContaining('secret@') as string,
    });
  });
});

describe('headers of the settings', () => {
  const VALUE = 'Bearer canary-1f';
  const reach = () => ({
    allow: [server.host, server.host.replace('127.0.0.1', 'localhost')],
    headers: { crm: { url: `${server.url}/crm/`, name: 'authorization', value: VALUE } },
  });
  /** The paths that the header came to, and those that it did not. */
  const sent = new Map<string, string | undefined>();
  beforeEach(() => {
    sent.clear();
    server.trouble = (request, response) => {
      sent.set(request.url!, request.headers.authorization);
      if (request.url !== '/crm/away.csv') return false;
      response.writeHead(302, { location: `${server.url.replace('127.0.0.1', 'localhost')}/crm/there.csv` }).end();
      return true;
    };
  });

  it('go to what lies below their URL, with every range', async () => {
    const source = await createWebStore(reach()).open(put('/crm/a.csv'));
    expect(await source.read(10, 20)).toEqual(data.subarray(10, 20));
    await source.close();
    await createWebStore(reach()).find(put('/crm-other/a.csv', 'a'));
    await createWebStore(reach()).find(put('/a.csv', 'a'));
    expect([...sent]).toEqual([
      ['/crm/a.csv', VALUE],
      ['/crm-other/a.csv', undefined],
      ['/a.csv', undefined],
    ]);
  });

  it('do not go along where a redirect leads elsewhere', async () => {
    put('/crm/there.csv', 'a\n');
    await createWebStore(reach()).find(`${server.url}/crm/away.csv`);
    expect([...sent]).toEqual([
      ['/crm/away.csv', VALUE],
      ['/crm/there.csv', undefined],
    ]);
  });

  it('go with the pages of an API', async () => {
    put('/crm/page', '[]');
    await fetchPage(`${server.url}/crm/page?page=1`, reach());
    expect([...sent]).toEqual([['/crm/page?page=1', VALUE]]);
  });

  it('are named where they do not help, and where there are none', async () => {
    server.trouble = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    const store = createWebStore(reach());
    await expect(store.find(`${server.url}/crm/a.csv`)).rejects.toMatchObject({
      code: 'source.denied',
      message: expect.stringMatching(/answered 401, although it was asked with MILLRACE_HTTP_HEADERS_CRM$/) as string,
    });
    await expect(store.find(`${server.url}/a.csv`)).rejects.toMatchObject({
      message: expect.stringContaining('is set as MILLRACE_HTTP_HEADERS_<NAME>') as string,
    });
  });
});

describe('where it may be', () => {
  const careful = createWebStore({});

  it.each([
    'http://127.0.0.1:PORT/a.csv',
    'http://localhost:PORT/a.csv',
    'http://[::1]:PORT/a.csv',
    'http://[::ffff:127.0.0.1]:PORT/a.csv',
    'http://2130706433:PORT/a.csv',
    'http://0x7f.1:PORT/a.csv',
    'http://0177.0.0.1:PORT/a.csv',
    'http://0.0.0.0:PORT/a.csv',
    'http://169.254.169.254/latest/meta-data',
    'http://10.0.0.1/a.csv',
  ])('not at %s', async (uri) => {
    put('/a.csv', 'a\n');
    const { port } = new URL(server.url);
    await expect(careful.find(uri.replace('PORT', port))).rejects.toMatchObject({ code: 'source.address_blocked' });
    expect(server.asked).toEqual([]);
  });

  it.each([
    ['http://169.254.169.254/latest/meta-data', 'source.address_blocked'],
    ['file:///etc/passwd', 'source.scheme'],
    ['ftp://example.org/x', 'source.scheme'],
    ['/round', 'source.redirects'],
  ])('not where a redirect leads: %s', async (location, code) => {
    server.trouble = (_, response) => {
      response.writeHead(302, { location }).end();
      return true;
    };
    await expect(store.find(`${server.url}/round`)).rejects.toMatchObject({ code });
  });

  it('but where a redirect leads that may be followed', async () => {
    put('/there.csv', 'a\n1\n');
    server.trouble = (request, response) => {
      if (request.url !== '/here.csv') return false;
      response.writeHead(307, { location: '/there.csv' }).end();
      return true;
    };
    const source = await store.open(`${server.url}/here.csv`);
    expect((await source.read(0, 100)).toString()).toBe('a\n1\n');
    await source.close();
  });
});
