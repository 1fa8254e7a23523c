/** Where everything is. */
export const LINKS = {
  jobs: '/v1/jobs',
  processors: '/v1/processors',
  openapi: '/openapi.json',
  health: '/healthz',
  ready: '/readyz',
};

export function indexPage(version: string): string {
  const items = Object.entries(LINKS).map(
    ([name, path]) => `<li><a href="${path}">${name}</a> <code>${path}</code></li>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Millrace</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }</style>
<h1>Millrace ${version}</h1>
<p>Durable dataset processing on Temporal.</p>
<ul>${items.join('')}</ul>
</html>
`;
}
