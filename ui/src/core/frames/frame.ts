/** Tables of columns, as panels take them: numbers and times in Float64Arrays, NaN where there is no value. */
export type FieldType = "time" | "number" | "string";

interface FieldBase {
  name: string;
  labels?: Record<string, string>;
  /** Name that a legend template or an override gives. */
  displayName?: string;
}
export interface NumberField extends FieldBase {
  type: "time" | "number";
  values: Float64Array;
}
export interface StringField extends FieldBase {
  type: "string";
  values: string[];
}
export type Field = NumberField | StringField;

export interface Frame {
  refId: string;
  name?: string;
  fields: Field[];
  length: number;
}

export function frameOf(refId: string, fields: Field[], name?: string): Frame {
  return { refId, name, fields, length: fields[0]?.values.length ?? 0 };
}

export function fieldTitle(field: Field): string {
  return field.displayName ?? field.name;
}

export function cell(field: Field, row: number): number | string {
  return field.values[row] ?? (field.type === "string" ? "" : Number.NaN);
}

/** Numbers stay numbers when all are; anything else becomes text. */
export function fieldFrom(name: string, values: readonly (number | string)[], like?: Field): Field {
  const base = { name, labels: like?.labels, displayName: like?.displayName };
  if (values.every((value) => typeof value === "number")) {
    return { ...base, type: like?.type === "time" ? "time" : "number", values: Float64Array.from(values) };
  }
  return {
    ...base,
    type: "string",
    values: values.map((value) => (typeof value === "number" && Number.isNaN(value) ? "" : String(value))),
  };
}

/** Same column with only these rows; a row below 0 is empty. */
export function pickRows(field: Field, rows: readonly number[]): Field {
  if (field.type === "string") return { ...field, values: rows.map((row) => field.values[row] ?? "") };
  const values = new Float64Array(rows.length);
  for (let index = 0; index < rows.length; index++) values[index] = field.values[rows[index]!] ?? Number.NaN;
  return { ...field, values };
}
