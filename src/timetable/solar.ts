import { Body, Observer, SearchAltitude, SearchHourAngle, SearchRiseSet } from 'astronomy-engine';
import type { SolarEvent } from '../core/schedule.js';

export interface SolarRule {
  event: SolarEvent;
  /** Degrees, north is positive. */
  latitude: number;
  /** Degrees, east is positive. */
  longitude: number;
}

const DAY_MS = 86_400_000;
const RISING = 1;
const SETTING = -1;
/** Beyond it no place waits for its sun. */
const LONGEST_NIGHT_DAYS = 200;

/** Degrees of the centre of the sun above the horizon. */
const TWILIGHT: Partial<Record<SolarEvent, number>> = {
  dawn_astronomical: -18,
  dawn_nautical: -12,
  dawn_civil: -6,
  dusk_civil: -6,
  dusk_nautical: -12,
  dusk_astronomical: -18,
};

/**
 * The times of an event of the sun, to the second, from after an instant on; on days of a polar summer or winter without the
 * event there is none. Sunrise and sunset are those of the upper limb with the usual refraction of 34'.
 */
export function* solarTimes(rule: SolarRule, after: number): Generator<number> {
  const observer = new Observer(rule.latitude, rule.longitude, 0);
  let from = after - DAY_MS / 2;
  for (;;) {
    const time = nextEvent(rule.event, observer, new Date(from));
    if (time === null) return;
    const rounded = Math.round(time / 1000) * 1000;
    if (rounded > after) yield rounded;
    // The next one is about a day later, sooner or later by a quarter of an hour.
    from = time + DAY_MS / 2;
  }
}

function nextEvent(event: SolarEvent, observer: Observer, from: Date): number | null {
  if (event === 'solar_noon') return SearchHourAngle(Body.Sun, observer, 0, from).time.date.getTime();
  const direction = event === 'sunrise' || event.startsWith('dawn') ? RISING : SETTING;
  const altitude = TWILIGHT[event];
  const found =
    altitude === undefined
      ? SearchRiseSet(Body.Sun, observer, direction, from, LONGEST_NIGHT_DAYS)
      : SearchAltitude(Body.Sun, observer, direction, from, LONGEST_NIGHT_DAYS, altitude);
  return found?.date.getTime() ?? null;
}
