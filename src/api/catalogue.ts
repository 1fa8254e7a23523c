import type { ProcessorInfo, WorkerCard } from '../core/job.js';
import { WORKER_CARD_TTL_MS } from '../core/job.js';
import { keys } from '../core/receipt.js';
import type { WorkArea } from '../stores/port.js';

const CACHE_MS = 2000;

/** What the workers of a queue have to offer, as far as their cards are fresh. */
export interface Catalogue {
  workers: WorkerCard[];
  /** By name, each with the ids of the workers that have it. */
  processors: Map<string, ProcessorInfo & { workers: string[] }>;
}

/** Reads the cards in the work area, at most every two seconds. */
export function createCatalogue(
  work: WorkArea,
  taskQueue: string,
  now: () => number = Date.now,
): () => Promise<Catalogue> {
  let kept: { at: number; catalogue: Promise<Catalogue> } | null = null;
  return () => {
    if (kept && now() - kept.at < CACHE_MS) return kept.catalogue;
    const reading = readCatalogue(work, taskQueue, now());
    const entry = { at: now(), catalogue: reading };
    kept = entry;
    reading.catch(() => {
      if (kept === entry) kept = null;
    });
    return reading;
  };
}

async function readCatalogue(work: WorkArea, taskQueue: string, now: number): Promise<Catalogue> {
  const cards = await Promise.all((await work.list(keys.workers())).map((key) => readCard(work, key)));
  const fresh = (card: WorkerCard | null): card is WorkerCard =>
    card !== null && card.taskQueue === taskQueue && now - Date.parse(card.renewedAt) < WORKER_CARD_TTL_MS;
  const workers = cards.filter(fresh);
  const processors: Catalogue['processors'] = new Map();
  // The newest card wins where workers disagree: it is the one of a rollout that goes on.
  for (const card of workers.sort((a, b) => a.startedAt.localeCompare(b.startedAt))) {
    for (const info of card.processors) {
      const known = processors.get(info.name)?.workers ?? [];
      processors.set(info.name, { ...info, workers: [...known, card.id] });
    }
  }
  return { workers, processors };
}

async function readCard(work: WorkArea, key: string): Promise<WorkerCard | null> {
  try {
    const bytes = await work.tryRead(key);
    return bytes && (JSON.parse(bytes.toString()) as WorkerCard);
  } catch {
    return null;
  }
}
