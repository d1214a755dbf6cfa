/** Times below a drawing that is not uPlot's. */
const STEPS = [1, 5, 15, 30, 60, 300, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 604_800].map((s) => s * 1000);

/** Round times (local) between two Unix ms, about one per 110 px. */
export function timeTicks(from: number, to: number, width: number): { time: number; text: string }[] {
  const wanted = (to - from) / Math.max(1, Math.floor(width / 110));
  const step = STEPS.find((candidate) => candidate >= wanted) ?? STEPS.at(-1)!;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const ticks: { time: number; text: string }[] = [];
  for (let time = Math.ceil((from - offset) / step) * step + offset; time <= to; time += step) {
    const date = new Date(time);
    const clock = date.toLocaleTimeString("en-GB", {
      hour: "2-digit",
      minute: "2-digit",
      second: step < 60_000 ? "2-digit" : undefined,
    });
    const midnight = date.getHours() === 0 && date.getMinutes() === 0;
    ticks.push({
      time,
      text:
        step >= 86_400_000 || midnight ? date.toLocaleDateString("en-GB", { day: "2-digit", month: "2-digit" }) : clock,
    });
  }
  return ticks;
}

export function TimeAxis({ from, to, width }: { from: number; to: number; width: number }) {
  return (
    <div className="time-axis" aria-hidden="true">
      {timeTicks(from, to, width).map(({ time, text }) => (
        <span key={time} style={{ left: `${((time - from) / (to - from)) * 100}%` }}>
          {text}
        </span>
      ))}
    </div>
  );
}
