import type { Config } from '../core/config.js';
import { MillraceError } from '../core/errors.js';
import { isTableUri } from '../core/table-uri.js';
import { createFileStore } from './file-store.js';
import { WORK_SCHEME } from './port.js';
import type { SinkStore, SourceStore, WorkArea } from './port.js';
import { createTables } from './postgres/tables.js';
import { createS3Store } from './s3/s3-store.js';
import { fetchPage } from './web-pages.js';
import type { WebReach } from './web-request.js';
import { createWebStore } from './web-store.js';
import { createWorkSource } from './work-source.js';

/** Every place that sources and sinks may name, by its scheme. @param work whose results may be sources of other jobs */
export function createStores(
  {
    roots,
    httpAllow = [],
    httpHeaders = {},
    s3 = [],
    postgres = {},
  }: Pick<Config, 'roots' | 'httpAllow' | 'httpHeaders' | 's3' | 'postgres'>,
  cwd: string,
  work: WorkArea,
): SourceStore & SinkStore {
  const files = createFileStore({ roots, cwd });
  const reach: WebReach = { allow: httpAllow, headers: httpHeaders };
  const web = createWebStore(reach);
  const objects = createS3Store(s3);
  const results = createWorkSource(work);
  const tables = createTables(postgres);
  const isWeb = (uri: string) => /^https?:/i.test(uri);
  const sink = (uri: string) => (/^s3:/i.test(uri) ? objects : files);
  const source = (uri: string): SourceStore => (isWeb(uri) ? web : uri.startsWith(WORK_SCHEME) ? results : sink(uri));
  return {
    find: (uri) => source(uri).find(uri),
    open: (uri, pin, until) => source(uri).open(uri, pin, until),
    localPath: (uri) => source(uri).localPath(uri),
    tables,
    page: (url, signal) => fetchPage(url, reach, signal),
    async resolve(uri, ifExists) {
      if (isTableUri(uri)) return tables.resolve(uri, ifExists);
      if (!isWeb(uri)) return sink(uri).resolve(uri, ifExists);
      throw new MillraceError('sink.read_only', `sink "${uri}" is on a web server, which is only read; name a path`);
    },
    stageFile: (target, owner) => sink(target).stageFile(target, owner),
    stageFolder: (target, owner) => sink(target).stageFolder(target, owner),
    digest: (target) => sink(target).digest(target),
    names: (folder) => sink(folder).names(folder),
    remove: (target) => sink(target).remove(target),
    // What is put into a table is nowhere before its commit.
    sweep: async (target, owner) => (isTableUri(target) ? undefined : sink(target).sweep(target, owner)),
  };
}
