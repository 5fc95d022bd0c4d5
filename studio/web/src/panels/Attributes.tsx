import type { AttributeInfo, Session, Track } from "../session/state";
import { client } from "../studio";
import { Slider } from "../ui/controls";

const NAMES: Record<string, string> = {
  note_density: "Busyness",
  min_polyphony: "Fewest notes at once",
  max_polyphony: "Most notes at once",
  min_note_duration: "Shortest notes",
  max_note_duration: "Longest notes",
  onset_polyphony: "Chord size",
  key_signature: "Key",
  pitch_range: "Pitch range",
  silence_proportion: "Silence",
  tension: "Tension",
};

const DURATIONS = ["1/32", "1/16", "1/8", "1/4", "1/2", "whole"];

/** Wishes for an agent's music: requested level as a slider, the level it really played as a mark. */
export function Attributes({ track }: { track: Track }) {
  const session = client.session.value;
  const fitting = Object.entries(session.modelAttributes).filter(
    ([, info]) => info.track_type === "both" || info.track_type === (track.isDrum ? "drum" : "melodic"),
  );
  if (fitting.length === 0) return null;
  return (
    <fieldset class="attributes">
      <legend>Wishes</legend>
      {fitting.map(([name, info]) => (
        <Attribute key={name} {...{ track, session, name, info }} />
      ))}
    </fieldset>
  );
}

function Attribute(props: { track: Track; session: Session; name: string; info: AttributeInfo }) {
  const { track, session, name, info } = props;
  const level = track.attributes[name] ?? session.attributes[name] ?? -1;
  const played = session.sampled.findLast(
    (sampled) => sampled.trackId === track.id && name in sampled.levels,
  )?.levels[name];
  const playedText = played === undefined ? "" : ` · plays ${label(name, info, played)}`;
  return (
    <Slider
      label={NAMES[name] ?? name.replaceAll("_", " ")}
      value={level}
      low={-1}
      high={info.size - 1}
      text={(level < 0 ? "free" : label(name, info, level)) + playedText}
      hint={`${name}: far left lets the model choose; the dot is what it played last`}
      mark={played}
      onInput={(next) => client.send("/midigpt/agent/attr/set", track.id, name, next)}
    >
      <Course track={track} session={session} name={name} size={info.size} wish={level} />
    </Slider>
  );
}

function label(name: string, info: AttributeInfo, level: number): string {
  if (info.labels?.[level]) return info.labels[level];
  if (name.endsWith("note_duration") && info.size === DURATIONS.length) return DURATIONS[level]!;
  return `${level + 1} of ${info.size}`;
}

const SHOWN = 24;

/** Levels that were played, answer by answer, and the level that is wished for. */
function Course(props: {
  track: Track;
  session: Session;
  name: string;
  size: number;
  wish: number;
}) {
  const { track, session, name, size, wish } = props;
  const levels = session.sampled
    .filter((sampled) => sampled.trackId === track.id && name in sampled.levels)
    .slice(-SHOWN)
    .map((sampled) => sampled.levels[name]!);
  if (levels.length < 2) return null;
  const y = (level: number) => 22 - (20 * level) / (size - 1);
  const points = levels.map((level, i) => `${(i * 200) / (SHOWN - 1)},${y(level)}`).join(" ");
  return (
    <svg class="course" viewBox="0 0 200 24" preserveAspectRatio="none" aria-hidden="true">
      {wish >= 0 && <line x1={0} x2={200} y1={y(wish)} y2={y(wish)} />}
      <polyline points={points} />
    </svg>
  );
}
