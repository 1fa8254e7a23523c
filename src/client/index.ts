/** What a program imports that uses a running service: `import { createClient } from 'millrace/client'`. */
export { createClient } from './client.js';
export type { Client, JobQuery } from './client.js';
export { ApiError } from './transport.js';
export type { ClientOptions } from './transport.js';
export type { JobState, JobView, Manifest, PlanView } from '../core/job.js';
export type { ScheduleView } from '../core/schedule-view.js';
