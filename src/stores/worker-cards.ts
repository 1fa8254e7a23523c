import { WORKER_CARD_TTL_MS } from '../core/job.js';
import type { WorkerCard } from '../core/job.js';
import { keys } from '../core/receipt.js';
import type { WorkArea } from './port.js';

const RENEW_MS = WORKER_CARD_TTL_MS / 3;

/** Publishes what a worker is and has, and renews it until it is withdrawn. */
export async function publishCard(
  work: WorkArea,
  card: Omit<WorkerCard, 'renewedAt'>,
): Promise<{ withdraw(): Promise<void> }> {
  const key = keys.worker(card.id);
  const renew = () => work.replace(key, JSON.stringify({ ...card, renewedAt: new Date().toISOString() }));
  await renew();
  // A renewal that fails is made up for by the next one; the card only goes stale.
  const timer = setInterval(() => void renew().catch(() => undefined), RENEW_MS);
  timer.unref();
  return {
    async withdraw() {
      clearInterval(timer);
      await work.remove(key);
    },
  };
}

/** The workers of a queue that have renewed their cards lately. */
export async function liveWorkers(work: WorkArea, taskQueue: string): Promise<WorkerCard[]> {
  const names = await work.list(keys.workers());
  const texts = await Promise.all(names.map((name) => work.tryRead(name)));
  const cards = texts.flatMap((text) => (text ? [JSON.parse(text.toString()) as WorkerCard] : []));
  const oldest = Date.now() - WORKER_CARD_TTL_MS;
  return cards.filter((card) => card.taskQueue === taskQueue && Date.parse(card.renewedAt) > oldest);
}
