/** Where a job and a schedule are: their pages, and the JSON that the pages show. */
const item =
  (list: string) =>
  (id: string, order?: string): string =>
    `${list}/${encodeURIComponent(id)}${order === undefined ? '' : `/${order}`}`;

export const pageOf = { job: item('/jobs'), schedule: item('/schedules') };
export const routeOf = { job: item('/v1/jobs'), schedule: item('/v1/schedules') };

/** Where to go on to: a path of this service and nothing else. */
export function here(path: unknown, otherwise: string): string {
  return typeof path === 'string' && /^\/(?![/\\])/.test(path) ? path : otherwise;
}
