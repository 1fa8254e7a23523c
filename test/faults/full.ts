/** True in `npm run test:faults`; `npm run test:long` has the short share. */
export const FULL = process.env.RUNS !== undefined;
