/** True in `npm run test:faults`; `npm test` has the short share. */
export const FULL = process.env.RUNS !== undefined;
