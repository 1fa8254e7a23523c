import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { packageRoot } from '../../../src/cli/package-root.js';

export interface Service {
  image?: string;
  build?: unknown;
  command?: string | string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  network_mode?: string;
  secrets?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: object;
  restart?: string;
}

export interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks?: Record<string, unknown>;
  secrets?: Record<string, { environment?: string }>;
}

export const textOf = (file: string) => readFileSync(path.join(packageRoot(), file), 'utf8');

/** A compose file as Docker sees it: with what it repeats by `<<` written out. */
export function compose(file: string): Compose {
  return parse(textOf(file), { merge: true }) as Compose;
}

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  [key: string]: unknown;
}

/** All documents of the manifests, by file. */
export function manifests(): Array<{ file: string; document: Manifest }> {
  const folder = path.join(packageRoot(), 'ops/kubernetes');
  return readdirSync(folder).flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(folder, file), 'utf8')).map((document) => {
      const [fault] = document.errors;
      if (fault) throw fault;
      return { file, document: document.toJS() as Manifest };
    }),
  );
}
