import fc from "fast-check";
import { expect, test } from "vitest";
import { ReadError } from "../reading.ts";
import { parseReport } from "./report.ts";
import { at, parseXml } from "./xml.ts";

const gpu = (inside: string): string =>
  `<nvidia_smi_log><attached_gpus>1</attached_gpus><gpu id="x">${inside}</gpu></nvidia_smi_log>`;

test("elements, text, entities, attributes, declarations", () => {
  const root = parseXml(
    '<?xml version="1.0" ?>\n<!DOCTYPE a SYSTEM "b">\n<a><b id="1">x &lt;&amp;&gt; y</b><c/><d></d></a>\n',
  );
  expect(root?.children.map(({ name }) => name)).toEqual(["b", "c", "d"]);
  expect(at(root, "b")?.text).toBe("x <&> y");
  expect(at(root, "b", "none")).toBeUndefined();
});

test.each(["", "text", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a", "<".repeat(1000), "<a>".repeat(100)])(
  "%j is no document",
  (text) => {
    expect(parseXml(text)).toBeUndefined();
  },
);

test("places that drivers have moved, units, and what is not there", () => {
  const [{ figures }] = parseReport(
    gpu(
      "<uuid>GPU-1</uuid><power_readings><power_draw>250.5 W</power_draw></power_readings><clocks><sm_clock>1980 MHz</sm_clock></clocks>" +
        "<temperature><gpu_temp>N/A</gpu_temp></temperature><remapped_rows><remapped_row_corr>0</remapped_row_corr><remapped_row_failure>Yes</remapped_row_failure></remapped_rows>",
    ),
  ).devices;
  expect(figures).toEqual({ power: 250_500, smClock: 1980, correctableRemappedRows: 0, rowRemapFailure: 1 });
});

test("a lost device is told so", () => {
  const lost = "<uuid>GPU-1</uuid><fb_memory_usage><total>GPU is lost</total></fb_memory_usage>";
  expect(parseReport(gpu(lost)).devices[0].lost).toBe(true);
  expect(parseReport(gpu("<uuid>GPU is lost</uuid>")).devices).toEqual([]);
});

test("any text is a report or none, in time", () => {
  const piece = fc.constantFrom(
    "<gpu>",
    "</gpu>",
    "<nvidia_smi_log>",
    "</nvidia_smi_log>",
    "<uuid>",
    "</uuid>",
    "<",
    ">",
    "&amp;",
    "12 MiB",
    "<!",
    "?>",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.string(), (pieces, noise) => {
      for (const text of [pieces.join(""), noise, gpu(pieces.join(""))]) {
        try {
          parseReport(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ReadError);
        }
      }
    }),
    { seed: 23, numRuns: 500 },
  );
  const started = performance.now();
  parseXml(`<a ${"x=".repeat(200_000)}`);
  expect(parseXml("<a".repeat(100_000))).toBeUndefined();
  expect(performance.now() - started).toBeLessThan(5_000);
});
