/** A thread or task process whose heap outgrows this ends alone; the worker lives on. */
export const HEAP_MB = 1024;
/** A task that was asked to stop gets this long before what runs it is ended. */
export const STOP_GRACE_MS = 5_000;
