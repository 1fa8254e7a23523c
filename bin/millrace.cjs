#!/usr/bin/env node
// CommonJS, because Node fixes the size of its I/O pool at the first read, and an ES module is read through that pool.
const { existsSync } = require('node:fs');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

// A running SQL query holds a thread of that pool: with Node's default of four, four chunks would stop all file I/O.
const computing = Math.max(availableParallelism(), Number(process.env.MILLRACE_THREADS) || 0);
process.env.UV_THREADPOOL_SIZE ??= String(Math.max(8, 2 * computing + 4));

const entry = join(__dirname, '..', 'dist', 'src', 'cli', 'main.js');
if (existsSync(entry)) {
  void import(pathToFileURL(entry).href);
} else {
  console.error('millrace is not built here: run `npm run build`');
  process.exitCode = 69;
}
