// A web server that gives ranges of one file: node bench/web-server.mjs PORT FILE
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, file] = process.argv.slice(2);
const { size, mtimeMs } = statSync(file);
createServer((request, response) => {
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [null, 0, size - 1];
  const [start, end] = [Number(from), Math.min(Number(to), size - 1)];
  response.writeHead(206, {
    etag: `"${size}-${mtimeMs}"`,
    'content-range': `bytes ${start}-${end}/${size}`,
    'content-length': end - start + 1,
  });
  createReadStream(file, { start, end, highWaterMark: 1024 ** 2 }).pipe(response);
}).listen(Number(port), '127.0.0.1');
