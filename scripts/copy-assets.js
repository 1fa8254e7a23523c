/** Copies what the dashboard sends to browsers as it is; the compiler takes sources only. */
import { cp } from 'node:fs/promises';

const from = new URL('../src/dashboard/assets', import.meta.url);
await cp(from, new URL('../dist/src/dashboard/assets', import.meta.url), { recursive: true });
