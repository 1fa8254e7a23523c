import { bytes, count } from '../core/figures.js';
import type { PlanView } from '../core/job.js';
import { Facts, RowTable } from './parts.js';

/** What the form holds at first. */
export const EXAMPLE = `name: flights-by-airport
source:
  items:
    - { origin: LAX, delay: 12 }
    - { origin: LAX, delay: -3 }
    - { origin: JFK, delay: 7 }
process:
  use: sql
  with:
    map: select origin, count(*) n, sum(delay) d from chunk group by all
    reduce: select origin, sum(n)::bigint n, sum(d)/sum(n) mean_delay from partials group by origin order by origin
`;

/** A form for a job spec. @param props.request its Idempotency-Key is sent with it, so that pressing twice starts one job */
export function SubmitPage({ text, request, plan }: { text: string; request: string; plan?: PlanView }) {
  return (
    <>
      <h1>New job</h1>
      <form method="post" action="/submit">
        <input type="hidden" name="key" value={request} />
        <label>
          Job spec, YAML or JSON
          <textarea name="spec" rows={18} spellcheck={false} autocomplete="off">
            {`\n${text}`}
          </textarea>
        </label>
        <div class="row">
          <button name="order" value="plan">
            Plan
          </button>
          <button name="order" value="start" class="primary">
            Start
          </button>
          <span class="dim">A plan starts nothing.</span>
        </div>
      </form>
      {plan && <Plan plan={plan} />}
    </>
  );
}

function Plan({ plan }: { plan: PlanView }) {
  const { columns, output, sample } = plan;
  return (
    <section>
      <h2>Plan</h2>
      {plan.warnings.map((warning) => (
        <p class="note">{warning}</p>
      ))}
      <Facts
        facts={[
          ['Records', `${plan.recordsExact ? '' : 'about '}${count(plan.records)}`],
          ['Format', plan.format],
          ['Files', plan.files > 0 ? count(plan.files) : null],
          ['Bytes', plan.bytes > 0 ? bytes(plan.bytes) : null],
          ['Chunks', count(plan.chunks)],
          ['Chunks an activity', count(plan.chunksPerActivity)],
          ['Activities at once', count(plan.concurrency)],
          ['Columns', columns.map(({ name, type }) => `${name} ${type}`).join(', ')],
          ['Result', output?.map(({ name, type }) => `${name} ${type}`).join(', ')],
        ]}
      />
      {sample.length > 0 && (
        <RowTable caption="The first records" columns={columns.map(({ name }) => name)} rows={sample} />
      )}
    </section>
  );
}
