/** The server's own tables, fetched once. */
import { signal } from "@preact/signals";

export interface ParameterField {
  name: string;
  kind: "int" | "float" | "bool" | "string" | "any";
  doc: string;
  low: number | null;
  high: number | null;
  choices: string[];
  default: number | string | boolean | null;
  range: string;
}

export interface Schema {
  version: string;
  parameters: ParameterField[];
  agent: ParameterField[];
  conditioning: ParameterField[];
  instruments: string[];
  errors: Record<string, string>;
}

export const schema = signal<Schema>({
  version: "",
  parameters: [],
  agent: [],
  conditioning: [],
  instruments: [],
  errors: {},
});

export async function loadSchema(): Promise<void> {
  schema.value = await (await fetch("/schema.json")).json();
}

export const instrumentName = (program: number, isDrum: boolean): string =>
  isDrum ? "Drum kit" : (schema.value.instruments[program] ?? `Program ${program}`);
