/** Settings kept by name in this browser: parameters and wishes. */
import { signal } from "@preact/signals";
import { client } from "../studio";

export interface Preset {
  name: string;
  parameters: Record<string, number | string | boolean>;
  attributes: Record<string, number>;
}

const KEPT = "midigpt-studio presets";

export const presets = signal<readonly Preset[]>(JSON.parse(localStorage.getItem(KEPT) ?? "[]"));

function keep(next: Preset[]): void {
  presets.value = next;
  localStorage.setItem(KEPT, JSON.stringify(next));
}

export function savePreset(name: string): void {
  const { parameters, attributes } = client.session.value;
  const preset = { name: name.trim(), parameters, attributes };
  keep([...presets.value.filter((other) => other.name !== preset.name), preset]);
}

export function removePreset(name: string): void {
  keep(presets.value.filter((preset) => preset.name !== name));
}

export function usePreset({ parameters, attributes }: Preset): void {
  for (const [name, value] of Object.entries(parameters)) {
    client.send("/midigpt/param/set", name, typeof value === "boolean" ? Number(value) : value);
  }
  client.send("/midigpt/attr/reset_all");
  for (const [name, level] of Object.entries(attributes)) {
    client.send("/midigpt/attr/set", name, level);
  }
}
