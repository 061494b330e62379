/** A JSON schema as a type in the manner of TypeScript: what people read faster. */

export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly description?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
};

/** The type that a schema is, from `indent` on. */
export function typeText(schema: Schema, indent = ''): string {
  const { $ref, anyOf, oneOf, allOf, enum: values, const: value, type } = schema;
  if ($ref !== undefined) return $ref.split('/').at(-1) ?? '';
  if (value !== undefined) return JSON.stringify(value);
  if (values !== undefined) return values.map((one) => JSON.stringify(one)).join(' | ');
  const union = anyOf ?? oneOf;
  if (union !== undefined) {
    return [...new Set(union.map((one) => typeText(one, indent)))].join(' | ');
  }
  if (allOf !== undefined) {
    // Parts that say only what a value may be add no type.
    const parts = new Set(allOf.map((one) => typeText(one, indent)));
    if (parts.size > 1) parts.delete('unknown');
    return [...parts].join(' & ');
  }
  if (Array.isArray(type)) {
    return type.map((one) => typeText({ ...schema, type: one }, indent)).join(' | ');
  }
  if (type === 'array') {
    const item = typeText(schema.items ?? {}, indent);
    return /[ |&]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.properties !== undefined || type === 'object') return objectText(schema, indent);
  return typeof type === 'string' ? type : 'unknown';
}

function objectText(schema: Schema, indent: string): string {
  const { properties = {}, required = [], additionalProperties } = schema;
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, one]) => {
    const key = /^\w+$/.test(name) ? name : JSON.stringify(name);
    return `${inner}${key}${required.includes(name) ? '' : '?'}: ${typeText(one, inner)};${noteOf(one)}`;
  });
  if (typeof additionalProperties === 'object') {
    const note = noteOf(additionalProperties) || noteOf(schema);
    lines.push(`${inner}[name: string]: ${typeText(additionalProperties, inner)};${note}`);
  }
  return lines.length === 0 ? 'object' : `{\n${lines.join('\n')}\n${indent}}`;
}

function noteOf({ description, minimum, maximum, maxLength, maxItems }: Schema): string {
  const bounds = [
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
        ? `from ${minimum}`
        : undefined,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
    maxItems === undefined ? undefined : `at most ${maxItems}`,
    description,
  ].filter((one) => one !== undefined);
  return bounds.length === 0 ? '' : ` // ${bounds.join('; ')}`;
}
