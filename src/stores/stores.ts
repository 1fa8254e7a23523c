import type { Config } from '../core/config.js';
import { MillraceError } from '../core/errors.js';
import { createFileStore } from './file-store.js';
import type { SinkStore, SourceStore } from './port.js';
import { createWebStore } from './web-store.js';

/** Every place that sources and sinks may name, by its scheme. */
export function createStores(
  { roots, httpAllow }: Pick<Config, 'roots' | 'httpAllow'>,
  cwd: string,
): SourceStore & SinkStore {
  const files = createFileStore({ roots, cwd });
  const web = createWebStore({ allow: httpAllow });
  const of = (uri: string): SourceStore => (/^https?:/i.test(uri) ? web : files);
  return {
    ...files,
    find: (uri) => of(uri).find(uri),
    open: (uri, pin) => of(uri).open(uri, pin),
    localPath: (uri) => of(uri).localPath(uri),
    async resolve(uri, ifExists) {
      if (of(uri) === files) return files.resolve(uri, ifExists);
      throw new MillraceError('sink.read_only', `sink "${uri}" is on a web server, which is only read; name a path`);
    },
  };
}
