const DAY_MS = 86_400_000;
const RADIANS = Math.PI / 180;
const J2000 = Date.UTC(2000, 0, 1, 12);
const ROUNDS = 5;

/** Degrees above the horizon at which the centre of the sun is; of sunrise and sunset its upper limb, with refraction. */
const ALTITUDES: Readonly<Record<string, number>> = {
  dawn_astronomical: -18,
  dawn_nautical: -12,
  dawn_civil: -6,
  sunrise: -0.8333,
  sunset: -0.8333,
  dusk_civil: -6,
  dusk_nautical: -12,
  dusk_astronomical: -18,
};

/**
 * The time of an event of the sun on the solar day whose noon is near noon of `day` (midnight, UTC) at that longitude, by the low
 * precision formulas of the Astronomical Almanac: good to some seconds where the sun does not graze. Null where it does not occur.
 */
export function sunTime(
  { event, latitude, longitude }: { event: string; latitude: number; longitude: number },
  day: number,
): number | null {
  const noon = day + (0.5 - longitude / 360) * DAY_MS;
  const side = event === 'solar_noon' ? 0 : event === 'sunrise' || event.startsWith('dawn') ? -1 : 1;
  let time = noon;
  for (let round = 0; round < ROUNDS; round++) {
    const { declination, equationMs } = sunAt(time);
    let hourAngle = 0;
    if (side !== 0) {
      const phi = latitude * RADIANS;
      const cosine =
        (Math.sin(ALTITUDES[event]! * RADIANS) - Math.sin(phi) * Math.sin(declination)) /
        (Math.cos(phi) * Math.cos(declination));
      if (Math.abs(cosine) > 1) return null;
      hourAngle = side * Math.acos(cosine);
    }
    time = noon - equationMs + (hourAngle / (2 * Math.PI)) * DAY_MS;
  }
  return time;
}

function sunAt(time: number): { declination: number; equationMs: number } {
  const days = (time - J2000) / DAY_MS;
  const anomaly = (357.528 + 0.9856003 * days) * RADIANS;
  const mean = 280.46 + 0.9856474 * days;
  const ecliptic = (mean + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * RADIANS;
  const tilt = (23.439 - 0.0000004 * days) * RADIANS;
  const ascension = Math.atan2(Math.cos(tilt) * Math.sin(ecliptic), Math.cos(ecliptic)) / RADIANS;
  const ahead = ((((mean - ascension) % 360) + 540) % 360) - 180;
  return { declination: Math.asin(Math.sin(tilt) * Math.sin(ecliptic)), equationMs: (ahead / 360) * DAY_MS };
}
