import type { WorkflowOptions } from '@temporalio/client';
import type { SearchAttributePair } from '@temporalio/common';
import { shownUri } from '../core/shown-uri.js';
import type { JobSpec } from '../core/spec.js';
import { SEARCH_ATTRIBUTES } from './search-attributes.js';

const SUMMARY_BYTES = 200;

export interface JobStart {
  memo: Record<string, unknown>;
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  staticDetails: string;
  /** Of the job with this id. */
  priority(id: string): NonNullable<WorkflowOptions['priority']>;
}

/** What a job is started with beside its spec, whoever starts it: by this it is listed, found, shown and put in order. */
export function startOf(spec: JobSpec, digest: string, request: string, tenant: string): JobStart {
  const source = sourceLabel(spec);
  const { priority, fairness } = spec.options;
  return {
    memo: { specDigest: digest, request, name: spec.name, processor: spec.process.use, source },
    typedSearchAttributes: [
      { key: SEARCH_ATTRIBUTES.MillraceName, value: spec.name },
      { key: SEARCH_ATTRIBUTES.MillraceState, value: 'pending' },
      { key: SEARCH_ATTRIBUTES.MillraceProcessor, value: spec.process.use },
      { key: SEARCH_ATTRIBUTES.MillraceTenant, value: tenant },
    ],
    staticSummary: cut(`${spec.name}: ${spec.process.use} over ${source}`, SUMMARY_BYTES),
    staticDetails: details(spec, source),
    // The server takes fairness keys of at most 64 bytes.
    priority: (id) => ({
      priorityKey: priority,
      fairnessKey: fairness?.key ?? id.slice(0, 64),
      fairnessWeight: fairness?.weight ?? 1,
    }),
  };
}

function sourceLabel({ source }: JobSpec): string {
  if (source.job !== undefined) return `job ${source.job}`;
  if (!source.uri) return source.items ? `${source.items.length} items` : 'items';
  const [first, ...rest] = source.uri.map(shownUri).map((uri) => uri.split('/').filter(Boolean).at(-1) ?? uri);
  return rest.length === 0 ? first! : `${first} and ${rest.length} more`;
}

/** Markdown for the Temporal UI. */
function details(spec: JobSpec, source: string): string {
  const lines = [
    `processor \`${spec.process.use}\``,
    `source ${spec.source.uri ? spec.source.uri.slice(0, 20).map(shownUri).map(code).join(', ') : source}`,
    `sink ${spec.sink ? code(spec.sink.uri) : 'none: the result is served by the API'}`,
  ];
  return cut(lines.map((line) => `- ${line}`).join('\n'), 16_000);
}

function code(text: string): string {
  return `\`${text.replaceAll('`', "'")}\``;
}

/** The longest beginning of a text that has at most so many bytes. */
function cut(text: string, bytes: number): string {
  const encoded = Buffer.from(text);
  if (encoded.length <= bytes) return text;
  return `${encoded
    .subarray(0, bytes - 3)
    .toString()
    .replace(/\uFFFD+$/, '')}…`;
}
