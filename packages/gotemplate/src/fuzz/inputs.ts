/** Random templates: valid ones cut up, spliced and repeated, and pieces of the language in random order. Seeded. */

/** A small generator of random numbers (mulberry32), so that a failure can be run again from its seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const SEEDS: readonly string[] = [
  "{{ range $i, $e := .list }}{{ if eq $i 1 }}{{ continue }}{{ else if $e }}{{ break }}{{ end }}{{ $e }}{{ else }}none{{ end }}",
  '{{ define "x" }}[{{ . }}]{{ end }}{{ template "x" .map.k }}{{ block "y" .text }}{{ . | printf "%-10q" }}{{ end }}',
  "{{ with $x := .map }}{{ $x.k }}{{ $x = 1 }}{{ else with .text }}{{ . }}{{ end }}",
  '{{ printf "%[2]*[1]d|%+v|%#v|%T|%x|%08.3f|%U|%e" 3 .map .list .text .float 0x41 1e9 }}',
  "{{- /* a comment */ -}} text {{ `raw` }} {{ 'c' }} {{ 1_000 }} {{ 0x1p-2 }} {{ 1i }} {{ -3 }}",
  '{{ index .list 1 }}{{ slice .text 1 3 }}{{ len .map }}{{ and .text 0 .nope }}{{ or nil "" 3 }}{{ not true }}',
  '{{ reReplaceAll "(a+)(?P<x>b*)" "$2-${x}" .text }}{{ match "^(a|b){2,5}$" "abab" }}{{ title "hello WORLD" }}',
  "{{ humanize 1234567.0 }}{{ humanizeDuration 93784.5 }}{{ humanizeTimestamp 1.5e9 }}{{ humanize1024 .float }}",
  '{{ (toTime 0).Format "Mon Jan _2 15:04:05.000 MST 2006" }}{{ (toDuration 1.5).Seconds }}{{ parseDuration "1h" }}',
  '{{ dict "a" (list 1 .text nil) | toJson }}{{ .time | date "2006-01-02" }}{{ .time | tz "Europe/Paris" }}',
  '{{ range query "up" }}{{ .Labels.a }}{{ . | value }}{{ end }}{{ query "x" | first | label "a" }}{{ args 1 2 }}',
  '{{ base64encode .text | base64decode }}{{ urlUnescape "%41+b" }}{{ stringSlice "a" "b" | join "," }}',
  '<a href="{{ .url }}?q={{ .text }}" title=\'{{ .text }}\' class={{ .text }} onclick="f({{ .map }})">{{ .html }}</a>',
  "<script>var a = {{ .list }}, b = '{{ .text }}', c = `x${ {{ .text }} }y`, d = /{{ .text }}[/]/g; // {{ .text }}\n</script>",
  '<style>p { color: {{ .text }}; background: url("{{ .url }}") } /* {{ .text }} */</style><p style="width: {{ .float }}px">',
  '<textarea>{{ .text }}</textarea><title>{{ .html }}</title><!-- {{ .text }} --><img srcset="{{ .url }} 2x, {{ .text }}">',
  "<input {{ .text }}=1 {{ .attr }} value={{ if .text }}{{ .text }}{{ end }}>{{ if .nope }}<b>{{ else }}<i>{{ end }}",
  '{{ define "rec" }}{{ if .next }}<li>{{ template "rec" .next }}</li>{{ end }}{{ .text }}{{ end }}<ul>{{ template "rec" . }}</ul>',
  '<script type="text/template">{{ .text }}</script><script>{{ .js }}</script><a href="{{ .text | urlquery }}">{{ .text | html }}',
];

/** Templates that use up all they may: rarely taken, because each takes its time. */
const GREEDY: readonly string[] = [
  '{{ $s := "ab" }}{{ range 60 }}{{ $s = print $s $s }}{{ end }}{{ len $s }}',
  "{{ $l := list 1 }}{{ range 50 }}{{ $l = list $l $l }}{{ end }}{{ print $l }}{{ toJson $l }}",
  '{{ define "x" }}{{ template "x" . }}{{ end }}{{ template "x" . }}',
  "{{ range 999999999 }}{{ range 99999999 }}x{{ end }}{{ end }}",
  '{{ range 99 }}{{ printf "%999999s%999999d" "a" 1 }}{{ end }}',
  "{{ $l := list }}{{ range 99999 }}{{ $l = append $l . }}{{ end }}{{ len $l }}",
  `${"{{ range .list }}".repeat(24)}<b>${"{{ end }}".repeat(24)}`,
];

const PIECES: readonly string[] = [
  ..."{{ }} {{- -}} ( ) | , := = . $ $x .text .list .map .map.k .next .nope .url .html .js nil true 0 1 -1 2.5 1e400".split(
    " ",
  ),
  ...'99999999999 \'a\' \'\\x "s" "\\u00e9" `r` ` " if else end range with define template block break continue'.split(
    " ",
  ),
  ..."print printf println len index slice call eq ne lt and or not html js urlquery toJson dict list append".split(
    " ",
  ),
  ..."humanize reReplaceAll match date tz now since query first label value safeHtml safeUrl join title args".split(
    " ",
  ),
  ...'<a <b> </a> <script> </script> <style> </style> <!-- --> <textarea> </title href=" src=\' onclick= style="'.split(
    " ",
  ),
  ...'srcset=" > \' " ` ${ } { /* */ // / \\ &amp; &lpar; &#x41; ? # url( ) [ ] = + - é 世 \u2028 \ud83d \0'.split(" "),
  ..."{{.text}} {{.list}} {{.html}} {{.url}} {{.js}} {{.attr}} {{.next}} {{end}} {{else}} {{break}} {{continue}}".split(
    " ",
  ),
  "{{if .text}}",
  "{{range .list}}",
  "{{with .next}}",
  '{{template "x" .}}',
  '{{define "x"}}',
  "{{$x := .text}}",
  "{{.text | html}}",
  "{{printf `%v` .map}}",
  '"%d"',
  '"%9999999d"',
  '"%[3]*.[2]*[1]f"',
  '"(((a*)*)*)*b"',
  '"x" ',
  "\n",
  " ",
  "/*",
  "*/",
];

function pick<T>(next: () => number, items: readonly T[]): T {
  return items[Math.floor(next() * items.length)];
}

function mutate(next: () => number, text: string): string {
  const at = Math.floor(next() * (text.length + 1));
  const choice = next();
  if (choice < 0.3) return text.slice(0, at) + pick(next, PIECES) + text.slice(at);
  if (choice < 0.45) return text.slice(0, at) + text.slice(at + 1 + Math.floor(next() * 8));
  if (choice < 0.65) {
    const other = pick(next, SEEDS);
    const from = Math.floor(next() * other.length);
    return text.slice(0, at) + other.slice(from, from + Math.floor(next() * 40)) + text.slice(at);
  }
  if (choice < 0.75) return text.slice(0, at) + text.slice(Math.max(at - Math.floor(next() * 20), 0));
  if (choice < 0.85) return text.slice(0, at) + String.fromCharCode(Math.floor(next() * 256)) + text.slice(at + 1);
  if (choice < 0.95) return text.replace(pick(next, PIECES), pick(next, PIECES));
  return text + text.slice(0, at);
}

/** The next template text; `greed` is the share of those made from templates that use up all they may. */
export function fuzzTemplate(next: () => number, greed = 0.003): string {
  let text = "";
  if (next() < 0.75) {
    text = pick(next, next() < greed ? GREEDY : SEEDS);
    for (let i = 1 + Math.floor(next() * next() * 5); i > 0; i--) text = mutate(next, text);
  } else {
    const isAction = next() < 0.4;
    for (let i = 1 + Math.floor(next() * 14); i > 0; i--) text += pick(next, PIECES) + (next() < 0.5 ? " " : "");
    if (isAction) text = `{{ ${text} }}`;
  }
  return text.slice(0, 2000);
}
