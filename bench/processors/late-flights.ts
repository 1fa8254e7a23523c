import { defineProcessor, type Row } from 'millrace';

interface Flight extends Row {
  delay: number;
  distance: number;
}

/** Two derived fields and a filter that about half of the flights pass. */
export function lateFlight<F extends Flight>(flight: F): (F & { hours: number; late: boolean }) | null {
  if (flight.delay < 0) return null;
  return { ...flight, hours: Math.round(flight.distance / 4.8) / 100, late: flight.delay >= 15 };
}

export default defineProcessor<Record<string, never>, Flight>({
  name: 'late-flights',
  description: 'Leaves out flights that were early, adds the hours in the air and whether the others were late',
  record: lateFlight,
});
