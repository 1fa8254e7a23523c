import { defineProcessor, type Row } from 'millrace';
import { z } from 'zod';

interface Flight extends Row {
  date: string;
  /** Minutes; negative is early. */
  delay: number;
  /** Miles. */
  distance: number;
  origin: string;
  destination: string;
}

const DAY_MINUTES = 24 * 60;
/** Taxiing, climb and approach, then 480 miles an hour. */
const GROUND_MINUTES = 30;
const MILES_PER_MINUTE = 8;

const params = z.object({
  lateAfter: z.number().min(0).default(15).describe('Minutes of delay from which a flight counts as late'),
  minDistance: z.number().min(0).default(50).describe('Miles; shorter hops are left out'),
});

export default defineProcessor<z.infer<typeof params>, Flight>({
  name: 'flight-times',
  description: 'Estimates the time in the air, marks late flights, refuses delays that cannot be',
  params,
  record({ date, delay, distance, origin, destination }, { params, reject }) {
    if (!(distance > 0)) return reject(`distance is ${distance} miles`, 'flight.distance');
    const minutes = Math.round(GROUND_MINUTES + distance / MILES_PER_MINUTE);
    if (delay > DAY_MINUTES) return reject(`${delay} minutes late is more than a day`, 'flight.delay');
    if (-delay > minutes)
      return reject(`${-delay} minutes early, but the flight takes about ${minutes}`, 'flight.delay');
    if (distance < params.minDistance) return null;
    return {
      date,
      origin,
      destination,
      haul: distance < 700 ? 'short' : distance < 2000 ? 'medium' : 'long',
      minutes,
      delay,
      late: delay >= params.lateAfter,
    };
  },
});
