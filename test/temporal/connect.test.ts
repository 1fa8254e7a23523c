import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectClient, connectionSettings } from '../../src/temporal/connect.js';
import { freePort } from '../../src/temporal/free-port.js';
import { testServer } from '../helpers/temporal-server.js';

let folder: string;
let profiles: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-connect-'));
  profiles = path.join(folder, 'temporal.toml');
  await writeFile(
    profiles,
    '[profile.cloud]\naddress = "cloud.example:7233"\nnamespace = "prod"\napi_key = "secret"\n',
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('connectionSettings', () => {
  it('is the local server where nothing is set', () => {
    const settings = connectionSettings({}, { TEMPORAL_CONFIG_FILE: path.join(folder, 'none.toml') });
    expect(settings).toMatchObject({ address: 'localhost:7233', namespace: 'default' });
  });

  it('is what the environment says, over the profile, under what is given', () => {
    const env = { TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'cloud', TEMPORAL_NAMESPACE: 'staging' };
    const settings = connectionSettings({}, env);
    expect(settings).toMatchObject({ address: 'cloud.example:7233', namespace: 'staging' });
    expect(settings.connectionOptions).toMatchObject({ address: 'cloud.example:7233', apiKey: 'secret', tls: true });
    expect(connectionSettings({ namespace: 'other' }, env).namespace).toBe('other');
  });

  it('does not send the key of one address to another', () => {
    const env = { TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'cloud' };
    const settings = connectionSettings({ address: '127.0.0.1:7233' }, env);
    expect(settings).toEqual({
      connectionOptions: { address: '127.0.0.1:7233' },
      namespace: 'default',
      address: '127.0.0.1:7233',
    });
  });

  it('names a profile that is not there', () => {
    const env = { TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'nope' };
    expect(() => connectionSettings({}, env)).toThrow(
      expect.objectContaining({ code: 'temporal.config', message: expect.stringContaining('nope') as string }),
    );
  });
});

describe('connectClient', () => {
  it('gives a client of the namespace', async () => {
    const server = await testServer();
    const { client, connection, namespace } = await connectClient({
      address: server.address,
      namespace: server.namespace,
    });
    expect(namespace).toBe(server.namespace);
    expect((await client.workflow.count(`WorkflowId = 'nobody'`)).count).toBe(0);
    await connection.close();
  });

  it('that is closed while a call waits for its next attempt ends the call', async () => {
    const { address, namespace } = await testServer();
    const [host, port] = address.split(':') as [string, string];
    const open = new Set<Socket>();
    const between = createServer((socket) => {
      const beyond = connect(Number(port), host);
      for (const end of [socket, beyond]) open.add(end.on('error', () => undefined));
      socket.pipe(beyond).pipe(socket);
    });
    between.listen(0, '127.0.0.1');
    await once(between, 'listening');
    const { client, connection } = await connectClient({
      address: `127.0.0.1:${(between.address() as AddressInfo).port}`,
      namespace,
    });
    between.close();
    for (const socket of open) socket.destroy();

    const call = client.workflow.count();
    const ended = expect(call).rejects.toMatchObject({ cause: { code: 1, details: 'the connection is closed' } });
    // The first attempt fails at once; the second one would come a tenth of a second later.
    await sleep(50);
    await connection.close();
    await ended;
  });

  it('says within seconds that no server answers, where, and what to do', async () => {
    const address = `127.0.0.1:${await freePort('127.0.0.1')}`;
    const began = performance.now();
    await expect(connectClient({ address })).rejects.toMatchObject({
      code: 'temporal.unreachable',
      retryable: true,
      message: expect.stringMatching(
        new RegExp(
          `^no Temporal server answers at "${address}" \\(.+\\); start one with "millrace dev", or set TEMPORAL_ADDRESS$`,
        ),
      ) as string,
    });
    expect(performance.now() - began).toBeLessThan(7000);
  });
});
