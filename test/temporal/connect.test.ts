import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
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
