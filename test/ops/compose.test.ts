import path from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/settings.js';
import { compose, textOf } from './support/documents.js';

const FILES = ['docker-compose.yml', 'docker-compose.production.yml'];
const PRODUCTION = 'docker-compose.production.yml';

const schema = JSON.parse(textOf('test/ops/schema/compose-spec.json')) as { $schema: string };
const isCompose = new Ajv({ strict: false, validateFormats: false }).compile({
  ...schema,
  $schema: 'http://json-schema.org/draft-07/schema#',
});

describe.each(FILES)('%s', (file) => {
  const { services, volumes, networks = {}, secrets = {} } = compose(file);
  const all = Object.entries(services);

  it('is what the specification takes', () => {
    expect(isCompose(compose(file)), JSON.stringify(isCompose.errors)).toBe(true);
    expect(isCompose({ services: { a: { imagee: 'x' } } })).toBe(false);
  });

  it('names services, volumes, networks and secrets that it has', () => {
    const named = all.flatMap(([name, service]) => [
      ...Object.keys(service.depends_on ?? {}).map((other) => [name, other in services]),
      ...(service.networks ?? []).map((network) => [name, network in networks]),
      ...(service.secrets ?? []).map((secret) => [name, secret in secrets]),
      ...(service.volumes ?? [])
        .map((volume) => volume.replace(/^\$\{[^}]*\}/, '/').split(':')[0]!)
        .map((source) => [name, /^[./]/.test(source) || source in volumes]),
    ]);
    expect(named.filter(([, there]) => !there)).toEqual([]);
  });

  it('waits for health only where health is looked at', () => {
    const waits = all.flatMap(([name, { depends_on = {} }]) =>
      Object.entries(depends_on).flatMap(([other, { condition }]) =>
        condition === 'service_healthy' && !services[other]!.healthcheck ? [`${name} for ${other}`] : [],
      ),
    );
    expect(waits).toEqual([]);
  });

  it('publishes ports on this machine only', () => {
    const ports = all.flatMap(([, service]) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(1);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('sets settings that there are', () => {
    const known = new Set<string>(SETTINGS.map(({ env }) => env));
    const set = all
      .filter(([, { build }]) => build !== undefined)
      .flatMap(([, { environment = {} }]) => Object.keys(environment))
      .filter((name) => name.startsWith('MILLRACE_'));
    expect(set.length).toBeGreaterThan(5);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  });

  it('gives its containers no more rights than they need', () => {
    for (const [name, service] of all) {
      expect(service.cap_drop, name).toEqual(['ALL']);
      expect(service.security_opt, name).toContain('no-new-privileges:true');
    }
  });
});

describe(PRODUCTION, () => {
  const { services } = compose(PRODUCTION);
  const example = textOf('.env.example');

  it('has no secret in it', () => {
    const secret = /PASSWORD$|PWD$|SECRET|ACCESS_KEY|SESSION_KEY|ENCRYPTION_KEYS/;
    const values = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => secret.test(name)),
    );
    expect(values.length).toBeGreaterThan(4);
    expect(values.filter(([, value]) => !/^\$\{\w+:(\?[^}]+|-)\}$/.test(value))).toEqual([]);
  });

  it('is pinned', () => {
    const images = Object.values(services).map(({ image }) => image!);
    expect(
      images.filter((image) => !/^[\w./-]+:(v?\d|\$\{\w+:-v?\d)/.test(image.replace(/^\$\{\w+:-(.*)\}$/, '$1'))),
    ).toEqual([]);
  });

  it('says what it needs, and its example has all of it, without a value', () => {
    const needed = new Set([...textOf(PRODUCTION).matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!));
    expect(needed.size).toBeGreaterThan(4);
    for (const name of needed) expect(example).toMatch(new RegExp(`^${name}=$`, 'm'));
    const offered = [...example.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name!);
    const used = textOf(PRODUCTION);
    expect(offered.filter((name) => !used.includes(`\${${name}:`) && !used.includes(`environment: ${name}`))).toEqual(
      [],
    );
  });

  it('keeps the store, the database and Temporal off the network of the machine', () => {
    const open = Object.entries(services).filter(([, { networks = [] }]) => networks.includes('outside'));
    expect(open.map(([name]) => name).sort()).toEqual(['api', 'temporal-ui', 'worker']);
  });

  it('asks callers who they are', () => {
    const environment = services.api!.environment!;
    expect(environment).toMatchObject({ MILLRACE_HOST: '0.0.0.0', MILLRACE_TOKENS: expect.any(String) as string });
    expect(environment).not.toHaveProperty('MILLRACE_INSECURE');
  });

  it('keeps tokens and the audit log from those who run processors', () => {
    const volumesOf = (name: string) => services[name]!.volumes!.map((volume) => volume.split(':')[0]);
    expect(volumesOf('api')).toContain('access');
    expect(volumesOf('worker')).not.toContain('access');
  });

  it('brings the files that it mounts', () => {
    for (const script of ['set-up-database.sh', 'set-up-namespace.sh', 'dynamic-config.yaml']) {
      expect(textOf(path.join('ops/temporal', script)).length).toBeGreaterThan(100);
      expect(textOf(PRODUCTION)).toContain(`/ops/${script}`);
    }
  });
});

describe('Dockerfile', () => {
  const lines = textOf('Dockerfile').split('\n');
  const instructions = (name: string) => lines.filter((line) => line.startsWith(`${name} `));

  it('builds in a stage of its own, on a pinned LTS with glibc', () => {
    const stages = instructions('FROM');
    expect(stages).toHaveLength(2);
    for (const stage of stages) expect(stage).toMatch(/^FROM node:\d*[02468]-\w+-slim( AS build)?$/);
    expect(textOf('Dockerfile')).toContain('npm prune --omit=dev');
  });

  it('runs as nobody in particular, known by number', () => {
    expect(instructions('USER')).toEqual(['USER 1000']);
  });

  it('has millrace and zod where a processor of a folder that is mounted looks for them', () => {
    for (const link of ['/app /node_modules/millrace', '/app/node_modules/zod /node_modules/zod']) {
      expect(textOf('Dockerfile')).toContain(`ln --symbolic ${link}`);
    }
  });

  it('copies, never adds, and leaves no lists of packages', () => {
    expect(instructions('ADD')).toEqual([]);
    expect(textOf('Dockerfile')).toMatch(
      /apt-get install --yes --no-install-recommends[^&]*\\\n\s*&& rm -rf \/var\/lib\/apt\/lists/,
    );
  });
});
