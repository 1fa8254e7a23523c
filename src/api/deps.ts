import type { MiddlewareHandler } from 'hono';
import type { Audit } from '../access/audit.js';
import type { Gatekeeper } from '../access/gatekeeper.js';
import type { Codec } from './codec.js';
import type { Mask } from '../core/secrets.js';
import type { SinkStore, SourceStore, WorkArea } from '../stores/port.js';
import type { QueueStanding } from '../temporal/queues.js';
import type { Jobs } from '../temporal/jobs.js';
import type { Schedules } from '../temporal/schedules.js';

/** What the API answers with; made by its entry point. */
export interface ApiDeps {
  ofTenant: (tenant: string) => { jobs: Jobs; schedules: Schedules };
  sources: SourceStore;
  sinks: Pick<SinkStore, 'resolve'>;
  work: WorkArea;
  /** Asks callers who they are; absent: nobody is asked, and all are of the default tenant and may do all. */
  gatekeeper?: Gatekeeper;
  /** Told of every change, and of everyone who was refused. */
  audit?: Audit;
  /** Decrypts what goes through Temporal, for admins. */
  codec?: Codec;
  /** Of the Temporal Web UI. */
  uiOrigin?: string;
  /** How the queues of the workers stand. */
  queues(): Promise<QueueStanding[]>;
  /** Requests a second of one caller. */
  rateLimit?: number;
  /** Event streams open at once; default: 500. */
  streams?: number;
  /** Origins whose pages may ask. */
  cors?: string[];
  /** Only workers of this queue count. */
  taskQueue: string;
  version: string;
  /** Host names, without ports, by which the service may be addressed beside those of loopback. */
  hosts?: string[];
  /** Aborted when the service stops: streams that would go on for ever end then. */
  closing?: AbortSignal;
  /** Makes each request a span. */
  traced?: MiddlewareHandler;
  /** Told of each request that was answered. */
  requested?: (request: RequestFacts) => void;
  /** What an answer may say. */
  mask?: Mask;
  /** Takes one line for each error that nobody foresaw. */
  log?: (line: string) => void;
}

/** What is logged of a request: nothing that may be secret, as are queries, headers and bodies. */
export interface RequestFacts {
  requestId: string;
  method: string;
  path: string;
  status: number;
  ms: number;
  /** Null where the caller could not be identified. */
  subject: string | null;
  tenant: string | null;
}
