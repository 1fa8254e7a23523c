import { defineProcessor, type Row } from 'millrace';

interface Flight extends Row {
  date: string;
  delay: number;
  distance: number;
  origin: string;
  destination: string;
}

/**
 * Two derived fields and a filter that about half of the flights pass. The fields are written out, since in V8 spreading
 * each record would take longer than all the rest of the job.
 */
export function lateFlight({ date, delay, distance, origin, destination }: Flight): Row | null {
  if (delay < 0) return null;
  const hours = Math.round(distance / 4.8) / 100;
  return { date, delay, distance, origin, destination, hours, late: delay >= 15 };
}

export default defineProcessor<Record<string, never>, Flight>({
  name: 'late-flights',
  description: 'Leaves out flights that were early, adds the hours in the air and whether the others were late',
  record: lateFlight,
});
