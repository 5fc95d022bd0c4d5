import type { ParameterField } from "../schema";
import { Select, Slider, Switch } from "../ui/controls";
import { LearnButton } from "./LearnButton";

type Value = number | string | boolean | null;

/** A control for any parameter, made from the server's own description of it. */
export function ParameterControl(props: {
  field: ParameterField;
  value: Value;
  canLearn?: boolean;
  onChange: (value: number | string | boolean) => void;
}) {
  const { field, value, canLearn, onChange } = props;
  return (
    <div class="parameter">
      <Face field={field} value={value} onChange={onChange} />
      {canLearn && <LearnButton target={field.name} />}
    </div>
  );
}

function Face({
  field,
  value,
  onChange,
}: {
  field: ParameterField;
  value: Value;
  onChange: (value: number | string | boolean) => void;
}) {
  const name = title(field.name);
  const hint = `${field.name}: ${field.doc} (${field.range})`;
  if (field.choices.length) {
    return (
      <Select
        label={name}
        value={String(value)}
        options={field.choices.map((choice) => [choice, choice.replaceAll("_", " ")] as const)}
        onChange={onChange}
      />
    );
  }
  if (field.kind === "bool") {
    return (
      <Switch
        label={name}
        hint={hint}
        isOn={value === true || value === 1}
        onChange={(isOn) => onChange(isOn ? 1 : 0)}
      />
    );
  }
  const [low, high] = sliderRange(field);
  const isWhole = field.kind === "int";
  return (
    <Slider
      label={name}
      value={Number(value ?? low)}
      low={low}
      high={high}
      step={isWhole ? 1 : 0.05}
      text={value === null ? "off" : isWhole ? String(value) : Number(value).toFixed(2)}
      hint={hint}
      onInput={onChange}
    />
  );
}

/** The server's range, cut to what a slider can be set to with a hand. */
export function sliderRange({ name, low, high, kind }: ParameterField): [number, number] {
  const cut: Record<string, [number, number]> = {
    temperature: [0.1, 2],
    top_k: [0, 200],
    mask_k: [0, 50],
    top_p: [0.05, 1],
    mask_p: [0, 0.95],
    sampling_seed: [-1, 9999],
    gen_timeout: [0, 10],
    polyphony_hard_limit: [0, 16],
    density_hard_limit: [0, 64],
    buffer_bars: [2, 16],
  };
  return cut[name] ?? [low ?? 0, high ?? (kind === "int" ? 127 : 1)];
}

function title(name: string): string {
  const words = name.replaceAll("_", " ");
  return words[0]!.toUpperCase() + words.slice(1);
}
