/** What a processor's author imports: `import { defineProcessor } from 'millrace'`. */
export { Busy, defineProcessor, Rejected } from './processors/define.js';
export type { BatchProcessor, ProcessorContext, RecordProcessor, ReduceProcessor } from './processors/define.js';
export type { Row } from './core/records.js';
