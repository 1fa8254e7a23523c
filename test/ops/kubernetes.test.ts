import { describe, expect, it } from 'vitest';
import { chunksQueue } from '../../src/contract.js';
import { SETTINGS } from '../../src/settings.js';
import { manifests } from './support/documents.js';
import type { Manifest } from './support/documents.js';

interface Container {
  args: string[];
  image: string;
  env: Array<{ name: string; value?: string }>;
  ports: Array<{ name: string; containerPort: number }>;
  envFrom: object[];
  securityContext: object;
  resources: { requests: object; limits: object };
  volumeMounts: Array<{ name: string; mountPath: string }>;
  livenessProbe: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
}
interface Deployment extends Manifest {
  spec: {
    selector: { matchLabels: Record<string, string> };
    template: {
      metadata: { labels: Record<string, string> };
      spec: {
        securityContext: object;
        automountServiceAccountToken: boolean;
        terminationGracePeriodSeconds: number;
        containers: Container[];
        volumes: Array<{ name: string }>;
      };
    };
  };
}

const all = manifests();
const ofKind = <T extends Manifest>(kind: string) =>
  all.flatMap(({ document }) => (document.kind === kind ? [document as T] : []));
const deployments = ofKind<Deployment>('Deployment');
const [kustomization] = ofKind<Manifest & { resources: string[]; images: Array<{ name: string; newTag: string }> }>(
  'Kustomization',
);
const [config] = ofKind<Manifest & { data: Record<string, string> }>('ConfigMap');

it('every manifest is one, and in the kustomization', () => {
  for (const { document } of all) {
    expect(document).toMatchObject({ apiVersion: expect.any(String) as string, kind: expect.any(String) as string });
  }
  const files = [...new Set(all.map(({ file }) => file))].filter((file) => file !== 'kustomization.yaml');
  expect([...kustomization!.resources].sort()).toEqual(files.sort());
});

it('settings are settings that there are, and none is a secret', () => {
  const known = new Set<string>(SETTINGS.map(({ env }) => env));
  const set = [
    ...Object.keys(config!.data),
    ...deployments.flatMap(({ spec }) =>
      spec.template.spec.containers.flatMap(({ env }) => env.map(({ name }) => name)),
    ),
  ];
  expect(set.filter((name) => name.startsWith('MILLRACE_') && !known.has(name))).toEqual([]);
  expect(set.filter((name) => !/^(MILLRACE|TEMPORAL|AWS)_/.test(name))).toEqual([]);
  expect(set.filter((name) => /SECRET|PASSWORD|ACCESS_KEY|API_KEY|SESSION_KEY|ENCRYPTION/.test(name))).toEqual([]);
});

describe.each(deployments.map((deployment) => [deployment.metadata.name, deployment] as const))('%s', (_, { spec }) => {
  const pod = spec.template.spec;
  const [container] = pod.containers;

  it('finds its own pods', () => {
    expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels);
  });

  it('runs without rights, on a file system that it cannot change', () => {
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      runAsUser: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(container!.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });

  it('says what it takes, and mounts what it has', () => {
    expect(container!.resources).toMatchObject({
      requests: { cpu: expect.anything() as string },
      limits: { memory: expect.anything() as string },
    });
    const volumes = pod.volumes.map(({ name }) => name).sort();
    expect(container!.volumeMounts.map(({ name }) => name).sort()).toEqual(volumes);
    const writable = container!.volumeMounts.map(({ mountPath }) => mountPath);
    for (const name of ['MILLRACE_HOME', 'MILLRACE_ROOTS']) expect(writable).toContain(config!.data[name]);
  });

  it('is asked whether it lives at a port that it has', () => {
    const ports = container!.ports.map(({ name }) => name);
    expect(ports).toContain(container!.livenessProbe.httpGet.port);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(10);
  });

  it('takes the image that the kustomization gives a version', () => {
    expect(kustomization!.images.map(({ name }) => name)).toContain(container!.image);
  });
});

it('a worker scales by the queue of the chunks', () => {
  const [scaler] = ofKind<
    Manifest & { spec: { scaleTargetRef: { name: string }; triggers: Array<{ metadata: object }> } }
  >('ScaledObject');
  const worker = deployments.find(({ metadata }) => metadata.name === scaler!.spec.scaleTargetRef.name);
  expect(worker!.spec.template.spec.containers[0]!.args).toEqual(['worker']);
  expect(scaler!.spec.triggers[0]!.metadata).toMatchObject({
    endpoint: config!.data.TEMPORAL_ADDRESS,
    namespace: config!.data.TEMPORAL_NAMESPACE,
    taskQueue: chunksQueue(config!.data.MILLRACE_TASK_QUEUE!),
    queueTypes: 'activity',
  });
});
