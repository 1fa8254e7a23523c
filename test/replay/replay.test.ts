import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { describe, expect, it } from 'vitest';
import { quietRuntime, testWorkflowBundle } from '../helpers/temporal-server.js';

quietRuntime();

const folder = fileURLToPath(new URL('histories', import.meta.url));
const versions = readdirSync(folder);
const histories = versions.flatMap((version) =>
  readdirSync(`${folder}/${version}`).map((name) => [version, name] as const),
);

interface History {
  events: Array<{
    workflowExecutionStartedEventAttributes?: { workflowId: string };
    activityTaskScheduledEventAttributes?: { activityType: { name: string } };
  }>;
}

function load(version: string, name: string): History {
  return JSON.parse(readFileSync(`${folder}/${version}/${name}`, 'utf8')) as History;
}

function replay(history: History): Promise<void> {
  // Its own id, for the ids of its windows come from it.
  const { workflowId } = history.events[0]!.workflowExecutionStartedEventAttributes!;
  return Worker.runReplayHistory({ workflowBundle: { codePath: testWorkflowBundle() } }, history, workflowId);
}

describe('jobs of every version since the first', () => {
  it.each(histories)('%s: %s goes on under this code', async (version, name) => {
    await replay(load(version, name));
  });

  it('are there in every shape', () => {
    const shapes = [
      'cancelled',
      'failed',
      'invalid',
      'many-chunks',
      'reduced',
      'small',
      'stitched',
      'window',
      'windowed',
    ];
    const since020 = ['given-up', 'retried', 'steered'];
    for (const version of versions) {
      const expected = version === '0.1.0' ? shapes : [...shapes, ...since020].sort();
      expect(readdirSync(`${folder}/${version}`).sort()).toEqual(expected.map((shape) => `${shape}.json`));
    }
  });
});

describe('a workflow that does otherwise than its history', () => {
  it('is found out', async () => {
    const history = load(versions[0]!, 'reduced.json');
    const scheduled = history.events.filter((event) => event.activityTaskScheduledEventAttributes);
    scheduled.at(-1)!.activityTaskScheduledEventAttributes!.activityType.name = 'combine';
    await expect(replay(history)).rejects.toThrow(/combine/);
  });
});
