export { deliverNotice } from './deliver-notice.js';
export { planDataset } from './plan-dataset.js';
export { processDataset } from './process-dataset.js';
export { processWindow } from './process-window.js';
export { stitchRanges } from './stitch.js';
export { watchSchedules } from './watch-schedules.js';
