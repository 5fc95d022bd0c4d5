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

/** The drum kits of the bundled SoundFont, by program. */
const KITS: readonly (readonly [program: number, name: string])[] = [
  [0, "Drum kit"],
  [8, "Room kit"],
  [16, "Power kit"],
  [24, "Electronic kit"],
  [25, "TR-808 kit"],
  [32, "Jazz kit"],
  [40, "Brush kit"],
  [48, "Orchestra kit"],
];

export const instrumentName = (program: number, isDrum: boolean): string =>
  isDrum
    ? (KITS.find(([kit]) => kit === program)?.[1] ?? `Kit ${program}`)
    : (schema.value.instruments[program] ?? `Program ${program}`);

/** What a track can be played on, what it is played on included. */
export function instrumentsOf(program: number, isDrum: boolean): typeof KITS {
  if (!isDrum) return schema.value.instruments.map((name, index) => [index, name]);
  const isKnown = KITS.some(([kit]) => kit === program);
  return isKnown ? KITS : [...KITS, [program, instrumentName(program, true)]];
}
