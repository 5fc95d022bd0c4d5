/** MIDI learn: a controller of the musician's hardware moves a parameter. */
import { effect, signal } from "@preact/signals";
import { sliderRange } from "../panels/ParameterControl";
import { schema } from "../schema";
import { client, midi } from "../studio";

export interface Binding {
  target: string;
  channel: number;
  controller: number;
}

const KEPT = "midigpt-studio bindings";

export const bindings = signal<readonly Binding[]>(JSON.parse(localStorage.getItem(KEPT) ?? "[]"));
/** The parameter that waits for a controller to be moved. */
export const learning = signal("");

export function unbind(target: string): void {
  bindings.value = bindings.value.filter((binding) => binding.target !== target);
}

/** A controller has moved to 0..127. */
export function onControl(channel: number, controller: number, value: number): void {
  if (learning.value) {
    const target = learning.value;
    unbind(target);
    bindings.value = [...bindings.value, { target, channel, controller }];
    learning.value = "";
    return;
  }
  for (const binding of bindings.value) {
    if (binding.channel !== channel || binding.controller !== controller) continue;
    const wanted = valueFor(binding.target, value);
    if (wanted !== undefined) client.send("/midigpt/param/set", binding.target, wanted);
  }
}

/** Where a controller's 0..127 lies in the range of a parameter. */
export function valueFor(target: string, value: number): number | string | undefined {
  const field = schema.value.parameters.find(({ name }) => name === target);
  if (!field) return undefined;
  const share = value / 127;
  if (field.kind === "bool") return value > 63 ? 1 : 0;
  if (field.choices.length) {
    return field.choices[Math.min(field.choices.length - 1, Math.floor(share * field.choices.length))];
  }
  const [low, high] = sliderRange(field);
  const exact = low + share * (high - low);
  return field.kind === "int" ? Math.round(exact) : Math.round(exact * 100) / 100;
}

export function startLearning(): void {
  midi.onControl = onControl;
  effect(() => localStorage.setItem(KEPT, JSON.stringify(bindings.value)));
}
