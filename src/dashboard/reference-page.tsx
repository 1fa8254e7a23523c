/** The reference of the API, out of its OpenAPI document. */
import { Table } from './parts.js';

interface Schema {
  $ref?: string;
  type?: string | string[];
  description?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  example?: unknown;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

interface Content {
  content?: Record<string, { schema?: Schema }>;
}

interface Operation {
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  parameters?: Array<{
    name: string;
    in: string;
    required?: boolean;
    description?: string;
    schema?: Schema;
    example?: unknown;
  }>;
  requestBody?: Content & { required?: boolean };
  responses: Record<string, Content & { description: string }>;
}

/** As much of an OpenAPI document as is shown. */
export interface OpenApi {
  info: { version: string; description?: string };
  tags?: Array<{ name: string; description?: string }>;
  paths: Record<string, Record<string, Operation>>;
  components?: { schemas?: Record<string, Schema> };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** @param props.token whether callers send one */
export function ReferencePage({ document, origin, token }: { document: OpenApi; origin: string; token: boolean }) {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    METHODS.flatMap((method) => (methods[method] ? [{ path, method, operation: methods[method] }] : [])),
  );
  const named = document.tags ?? [];
  const others = [...new Set(operations.flatMap(({ operation }) => operation.tags ?? []))].filter(
    (tag) => !named.some(({ name }) => name === tag),
  );
  const tags = [...named, ...others.map((name) => ({ name, description: undefined }))];
  const schemas = Object.entries(document.components?.schemas ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <>
      <h1>API</h1>
      <p>
        {document.info.description?.replaceAll('`', '')} The same for programs: <a href="/openapi.json">OpenAPI 3.1</a>.
      </p>
      <nav aria-label="Operations">
        {tags.map(({ name, description }) => (
          <section>
            <h2>
              {name} {description && <small class="dim">{description}</small>}
            </h2>
            <ul class="plain">
              {operations
                .filter(({ operation }) => operation.tags?.includes(name))
                .map(({ path, method, operation }) => (
                  <li>
                    <a href={`#${operation.operationId}`}>
                      <code>
                        {method.toUpperCase()} {path}
                      </code>
                    </a>{' '}
                    {operation.summary}
                  </li>
                ))}
            </ul>
          </section>
        ))}
      </nav>
      {operations.map((one) => (
        <OperationPart {...one} origin={origin} token={token} />
      ))}
      <h2>Schemas</h2>
      {schemas.map(([name, schema]) => (
        <section id={anchorOf(name)}>
          <h3>{name}</h3>
          {schema.description && <p>{schema.description}</p>}
          <Fields name={name} schema={schema} />
        </section>
      ))}
    </>
  );
}

function OperationPart({
  path,
  method,
  operation,
  origin,
  token,
}: {
  path: string;
  method: string;
  operation: Operation;
  origin: string;
  token: boolean;
}) {
  const { operationId, summary, description, parameters = [], requestBody, responses } = operation;
  const answers = Object.entries(responses);
  return (
    <section id={operationId}>
      <h3>
        <code>
          {method.toUpperCase()} {path}
        </code>
      </h3>
      <p>
        {summary}. {description}
      </p>
      {parameters.length > 0 && (
        <Table label={`Parameters of ${operationId}`} columns={['parameter', 'in', 'type', 'what']} kind="data">
          {parameters.map(({ name, in: place, required, schema, description: what }) => (
            <tr>
              <td>
                <code>{name}</code>
                {required && ' (wanted)'}
              </td>
              <td>{place}</td>
              <td>{schema && <Type schema={schema} />}</td>
              <td>{what}</td>
            </tr>
          ))}
        </Table>
      )}
      {requestBody && (
        <p>
          Body{requestBody.required === false && ', if any'}: <Contents {...requestBody} />
        </p>
      )}
      <ul class="plain">
        {answers
          .filter(([status]) => Number(status) < 400)
          .map(([status, answer]) => (
            <li>
              <code>{status}</code> {answer.description}
              {answer.content && (
                <>
                  : <Contents {...answer} />
                </>
              )}
            </li>
          ))}
        <li>
          <code>{answers.flatMap(([status]) => (Number(status) >= 400 ? [status] : [])).join(', ')}</code>{' '}
          <a href={`#${anchorOf('Problem')}`}>Problem</a>
        </li>
      </ul>
      <pre tabindex={0}>{curlOf(path, method, operation, origin, token)}</pre>
    </section>
  );
}

function Contents({ content = {} }: Content) {
  const types = Object.keys(content);
  const schema = content[types[0] ?? '']?.schema;
  return (
    <>
      {schema && <Type schema={schema} />} <span class="dim">{types.join(', ')}</span>
    </>
  );
}

/** The fields of an object, one level deep: what is deeper has a type that says so. */
function Fields({ name, schema }: { name: string; schema: Schema }) {
  const fields = Object.entries(schema.properties ?? {});
  if (fields.length === 0) return <Type schema={schema} />;
  return (
    <Table label={`Fields of ${name}`} columns={['field', 'type', 'default', 'what']} kind="data">
      {fields.map(([field, of]) => (
        <tr>
          <td>
            <code>{field}</code>
            {schema.required?.includes(field) && of.default === undefined && ' (wanted)'}
          </td>
          <td>
            <Type schema={of} />
          </td>
          <td>{of.default !== undefined && <code>{JSON.stringify(of.default)}</code>}</td>
          <td>{of.description}</td>
        </tr>
      ))}
    </Table>
  );
}

function Type({ schema }: { schema: Schema }) {
  const { $ref, enum: values, anyOf, oneOf, allOf, items, type } = schema;
  if ($ref) {
    const name = $ref.split('/').at(-1)!;
    return <a href={`#${anchorOf(name)}`}>{name}</a>;
  }
  if (schema.const !== undefined) return <code>{JSON.stringify(schema.const)}</code>;
  if (values) return <code>{values.map((value) => JSON.stringify(value)).join(' | ')}</code>;
  const [first, ...rest] = anyOf ?? oneOf ?? allOf ?? [];
  if (first) {
    return (
      <>
        <Type schema={first} />
        {rest.map((one) => (
          <>
            {' | '}
            <Type schema={one} />
          </>
        ))}
      </>
    );
  }
  if (items) {
    return (
      <>
        list of <Type schema={items} />
      </>
    );
  }
  return <>{[type ?? 'any'].flat().join(' | ')}</>;
}

function curlOf(
  path: string,
  method: string,
  { requestBody, parameters = [] }: Operation,
  origin: string,
  token: boolean,
): string {
  const example = (name: string) => {
    const given = parameters.find((one) => one.name === name)?.schema?.example;
    return typeof given === 'string' ? given : name.toUpperCase();
  };
  const at = origin + path.replace(/\{([^}]+)\}/g, (_, name: string) => encodeURIComponent(example(name)));
  const [type] = Object.keys(requestBody?.content ?? {});
  const wanted = requestBody && requestBody.required !== false;
  return [
    'curl',
    ...(method === 'get' ? [] : [`-X ${method.toUpperCase()}`]),
    ...(token ? ['-H "authorization: Bearer $MILLRACE_TOKEN"'] : []),
    ...(wanted && type ? [`-H 'content-type: ${type}'`, '-d @body.json'] : []),
    at,
  ].join(' ');
}

function anchorOf(schema: string): string {
  return `schema-${schema}`;
}
