type Schema = {
  type?: string | string[];
  properties?: Record<string, Schema>;
  additionalProperties?: unknown;
  required?: string[];
  anyOf?: Schema[];
  enum?: unknown[];
  const?: unknown;
  items?: Schema;
  default?: unknown;
  description?: string;
};

/** A JSON Schema as rows of Markdown: a row a field, those within it below it with their path. */
export function schemaRows(schema: object, prefix = ''): string[] {
  const { properties = {}, required = [] } = schema as Schema;
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = prefix + name;
    const holds = Object.keys(field.properties ?? {}).length > 0;
    const preset = holds ? '' : required.includes(name) ? '*wanted*' : presetOf(field);
    const row = `| \`${path}\` | ${kindOf(field)} | ${preset} | ${escaped(field.description ?? '')} |`;
    return [row, ...(holds ? schemaRows(field, `${path}.`) : [])];
  });
}

function presetOf({ default: preset }: Schema): string {
  return preset === undefined ? '' : `\`${JSON.stringify(preset)}\``;
}

function kindOf(field: Schema): string {
  const { anyOf, enum: values, const: only, type, properties, items, additionalProperties } = field;
  if (anyOf) return anyOf.map(kindOf).join(' or ');
  if (values) return values.map((value) => `\`${String(value)}\``).join(' ');
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (type === 'array') return `list of ${items ? kindOf(items) : 'anything'}`;
  if (type === 'object') {
    if (properties) return `{ ${Object.keys(properties).join(', ')} }`;
    return additionalProperties ? 'object by name' : 'object';
  }
  return [type ?? 'anything'].flat().join(' or ');
}

export function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}
