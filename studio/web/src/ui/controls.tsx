/** The page's controls: native elements with a face, so that keyboard and screen reader come free. */
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icons";

export function Button(props: {
  label: string;
  icon?: IconName;
  showsLabel?: boolean;
  kind?: "plain" | "primary" | "quiet";
  isOn?: boolean;
  disabled?: boolean;
  title?: string;
  onClick: () => void;
}) {
  const { label, icon, kind = "plain", isOn, disabled = false, title, onClick } = props;
  const showsLabel = props.showsLabel ?? !icon;
  return (
    <button
      type="button"
      class={`button ${kind}${showsLabel ? "" : " round"}`}
      aria-label={showsLabel ? undefined : label}
      aria-pressed={isOn}
      disabled={disabled}
      title={title ?? label}
      onClick={onClick}
    >
      {icon && <Icon name={icon} />}
      {showsLabel && <span>{label}</span>}
    </button>
  );
}

export function Slider(props: {
  label: string;
  value: number;
  low: number;
  high: number;
  step?: number;
  text?: string;
  hint?: string | undefined;
  hidesLabel?: boolean;
  mark?: number | undefined;
  onInput: (value: number) => void;
  children?: ComponentChildren;
}) {
  const { label, value, low, high, step = 1, text, hint, hidesLabel, mark, onInput } = props;
  const share = (number: number) => `${(100 * (number - low)) / (high - low || 1)}%`;
  return (
    <label class={hidesLabel ? "slider bare" : "slider"} title={hint}>
      {!hidesLabel && (
        <span class="slider-head">
          <span>{label}</span>
          <output>{text ?? value}</output>
        </span>
      )}
      <span class="slider-face" style={{ "--share": share(value) }}>
        {mark !== undefined && <i class="slider-mark" style={{ left: share(mark) }} />}
        <input
          type="range"
          aria-label={label}
          aria-valuetext={text}
          min={low}
          max={high}
          step={step}
          value={value}
          onInput={(event) => onInput(Number(event.currentTarget.value))}
        />
      </span>
      {props.children}
    </label>
  );
}

export function Select<T extends string | number>(props: {
  label: string;
  value: T;
  options: readonly (readonly [value: T, text: string])[];
  hidesLabel?: boolean;
  onChange: (value: T) => void;
}) {
  const { label, value, options, hidesLabel, onChange } = props;
  return (
    <label class="select">
      {!hidesLabel && <span>{label}</span>}
      <select
        aria-label={label}
        value={value}
        onChange={(event) => {
          const index = event.currentTarget.selectedIndex;
          onChange(options[index]![0]);
        }}
      >
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Switch(props: { label: string; isOn: boolean; hint?: string; onChange: (isOn: boolean) => void }) {
  return (
    <label class="switch" title={props.hint}>
      <span>{props.label}</span>
      <input
        type="checkbox"
        role="switch"
        checked={props.isOn}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
    </label>
  );
}

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="section">
      <h2>{title}</h2>
      {children}
    </section>
  );
}
