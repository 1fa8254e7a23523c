/** Writes docs/reference.md: `npm run reference`. */
import { writeFile } from 'node:fs/promises';
import { referencePage } from './reference/page.js';

await writeFile(new URL('../docs/reference.md', import.meta.url), referencePage());
