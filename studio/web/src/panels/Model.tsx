import { useSignal } from "@preact/signals";
import { bindings, unbind } from "../input/learn";
import { schema } from "../schema";
import { presets, removePreset, savePreset, usePreset } from "../session/presets";
import { client } from "../studio";
import { Button, Section } from "../ui/controls";
import { ParameterControl } from "./ParameterControl";

const GROUPS: readonly [title: string, names: string[]][] = [
  ["Imagination", ["temperature", "top_p", "top_k", "mask_p", "mask_k", "sampling_seed"]],
  [
    "Time",
    ["lookahead_bars", "lead_beats", "buffer_bars", "num_anticipated_bars", "model_dim", "adapt_buffer"],
  ],
  ["Limits", ["polyphony_hard_limit", "density_hard_limit", "gen_timeout", "fallback"]],
];

/** Every parameter that the server has. */
export function Model() {
  const { parameters } = client.session.value;
  const named = new Set(GROUPS.flatMap(([, names]) => names));
  const rest = schema.value.parameters.map(({ name }) => name).filter((name) => !named.has(name));
  return (
    <>
      <Section title="Presets">
        <Presets />
      </Section>
      {[...GROUPS, ["More", rest] as const].map(([title, names]) => (
        <Section key={title} title={title}>
          {names.map((name) => {
            const field = schema.value.parameters.find((known) => known.name === name);
            return (
              field && (
                <ParameterControl
                  key={name}
                  field={field}
                  canLearn
                  value={parameters[name] ?? field.default}
                  onChange={(value) => client.send("/midigpt/param/set", name, value)}
                />
              )
            );
          })}
        </Section>
      ))}
      <div class="row">
        <Button
          label="All back to default"
          kind="quiet"
          onClick={() => client.send("/midigpt/param/reset_all")}
        />
      </div>
      <Bindings />
    </>
  );
}

function Presets() {
  const name = useSignal("");
  return (
    <>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          savePreset(name.value);
          name.value = "";
        }}
      >
        <input
          type="text"
          aria-label="Name of the preset"
          placeholder="Name these settings"
          maxLength={40}
          value={name.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
        <button type="submit" class="button plain" disabled={!name.value.trim()}>
          <span>Save</span>
        </button>
      </form>
      {presets.value.map((preset) => (
        <div class="row" key={preset.name}>
          <Button label={preset.name} onClick={() => usePreset(preset)} />
          <Button
            label={`Remove preset ${preset.name}`}
            icon="close"
            kind="quiet"
            onClick={() => removePreset(preset.name)}
          />
        </div>
      ))}
    </>
  );
}

function Bindings() {
  if (bindings.value.length === 0) return null;
  return (
    <Section title="MIDI controllers">
      {bindings.value.map(({ target, channel, controller }) => (
        <div class="row" key={target}>
          <span>
            CC {controller} (channel {channel}): {target.replaceAll("_", " ")}
          </span>
          <Button label={`Unbind ${target}`} icon="close" kind="quiet" onClick={() => unbind(target)} />
        </div>
      ))}
      <Button label="Unbind all" kind="quiet" onClick={() => (bindings.value = [])} />
    </Section>
  );
}
