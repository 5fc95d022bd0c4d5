import { client, leader, player } from "../studio";
import { Section } from "../ui/controls";
import { histogram, percentile } from "../session/statistics";

/** How fast the model answers, and whether that fits into a bar. */
export function Timing() {
  const { latencies, late, fallbacks, isGenerating, tracks } = client.session.value;
  const bar = leader.timeline.last;
  const barMs = bar ? (1000 * bar.frames) / leader.timeline.sampleRate : 0;
  const last = latencies.at(-1);
  const written = tracks
    .filter((track) => track.isAgent)
    .reduce((sum, track) => sum + [...track.bars.values()].filter((b) => b.making).length, 0);
  const inTime = written ? (100 * (written - late)) / written : 100;
  const p95 = percentile(latencies, 0.95);
  const fits = !barMs || p95 <= barMs;
  return (
    <>
      <Section title="Answers">
        <dl class="figures">
          <Figure name="last" value={ms(last)} />
          <Figure name="median" value={ms(percentile(latencies, 0.5))} />
          <Figure name="p95" value={ms(p95)} />
          <Figure name="a bar lasts" value={barMs ? ms(barMs) : "–"} />
          <Figure name="in time (ISR)" value={written ? `${inTime.toFixed(1)} %` : "–"} />
          <Figure name="fallbacks" value={String(fallbacks)} />
        </dl>
        <p class="verdict" data-good={fits}>
          {latencies.length === 0
            ? "Nothing has been written yet."
            : fits
              ? `Fits: the slowest answers take ${share(p95, barMs)} of a bar.`
              : "Too slow for this tempo: more lookahead or a slower tempo helps."}
        </p>
      </Section>
      <Section title="Milliseconds an answer takes">
        <Histogram values={latencies} />
      </Section>
      <Section title="The last answers">
        <History values={latencies.slice(-16)} budget={barMs} isRunning={isGenerating} />
      </Section>
      <Section title="Sound">
        <dl class="figures">
          <Figure name="output delay" value={ms(player.latency * 1000)} />
          <Figure name="latest note" value={`${player.lateness.value.toFixed(1)} ms`} />
          <Figure name="sample rate" value={`${player.sampleRate} Hz`} />
        </dl>
      </Section>
    </>
  );
}

const ms = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? "–" : `${value.toFixed(0)} ms`;

const share = (part: number, whole: number): string =>
  whole ? `${((100 * part) / whole).toFixed(0)} %` : "a part";

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Histogram({ values }: { values: number[] }) {
  if (values.length < 2) return <p class="note">Shown after two answers.</p>;
  const { bins, low, high } = histogram(values, 20);
  const most = Math.max(...bins);
  return (
    <figure class="chart">
      <svg viewBox="0 0 200 60" role="img" aria-label={`Histogram of ${values.length} answers`}>
        {bins.map((count, i) => (
          <rect key={i} x={i * 10 + 1} width={8} y={60 - (56 * count) / most} height={(56 * count) / most} rx={1} />
        ))}
      </svg>
      <figcaption>
        <span>{ms(low)}</span>
        <span>{ms(high)}</span>
      </figcaption>
    </figure>
  );
}

function History(props: { values: number[]; budget: number; isRunning: boolean }) {
  const { values, budget, isRunning } = props;
  const most = Math.max(budget, ...values, 1);
  const height = (value: number) => (56 * value) / most;
  return (
    <figure class="chart">
      <svg viewBox="0 0 200 60" role="img" aria-label="Time of the last answers against a bar">
        {values.map((value, i) => (
          <rect
            key={i}
            class={budget && value > budget ? "over" : ""}
            x={i * 12 + 1}
            width={10}
            y={60 - height(value)}
            height={height(value)}
            rx={1}
          />
        ))}
        {isRunning && (
          <rect
            class="running"
            x={values.length * 12 + 1}
            width={10}
            y={60 - height(budget)}
            height={height(budget)}
            rx={1}
            style={{ animationDuration: `${budget}ms` }}
          />
        )}
        {budget > 0 && <line x1={0} x2={200} y1={60 - height(budget)} y2={60 - height(budget)} />}
      </svg>
      <figcaption>
        <span>{budget ? "line: one bar" : ""}</span>
      </figcaption>
    </figure>
  );
}
