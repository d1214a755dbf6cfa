import { describe, expect, test } from "vitest";
import { TemplateError } from "./error.ts";
import { Template } from "./template.ts";

/** Own templates with what Go 1.24 makes of them, given the data below. `true`: it fails with this text. */
const CASES: Readonly<Record<string, readonly (readonly [text: string, want: string, fails?: boolean])[]>> = {
  printf: [
    [
      '{{printf "%d|%5d|%-5d|%05d|%+d|% d|%x|%X|%#x|%o|%#o|%O|%b|%c|%q|%U|%#U" 42 42 42 42 42 42 42 42 42 42 42 42 42 42 42 42 42}}',
      "42|   42|42   |00042|+42| 42|2a|2A|0x2a|52|052|0o52|101010|*|'*'|U+002A|U+002A '*'",
    ],
    [
      '{{printf "%v %g %e %E %f %.2f %8.3f|%-9.1e|%+.1f|%06.1f|%G|%x" .f .f .f .f .f .f .f .f .f .f .f .f}}',
      "1.234567891e+06 1.234567891e+06 1.234568e+06 1.234568E+06 1234567.891000 1234567.89 1234567.891|1.2e+06  |+1234567.9|1234567.9|1.234567891E+06|0x1.2d687e4189375p+20",
    ],
    [
      '{{printf "%s|%5s|%-5s|%.1s|%q|%+q|%#q|%x|% x|%#x|%X|%05s" .s .s .s .s .s .s .s .s .s .s .s .s}}',
      'aé|   aé|aé   |a|"aé"|"a\\u00e9"|`aé`|61c3a9|61 c3 a9|0x61c3a9|61C3A9|000aé',
    ],
    [
      '{{printf "%v %+v %#v %T" .m .m .m .m}}',
      'map[a:<1> b:2] map[a:<1> b:2] map[string]interface {}{"a":"<1>", "b":2} map[string]interface {}',
    ],
    ['{{printf "%v %+v %#v %T" .l .l .l .l}}', '[x y] [x y] []interface {}{"x", "y"} []interface {}'],
    ['{{printf "%t|%v|%5t|%q" true false true "x"}}', 'true|false| true|"x"'],
    ['{{printf "%[2]d %[1]d|%[3]*.[2]*[1]f|%[1]*d" 5 2 8}}', "2 5|%!f(int=      05)|    2"],
    ['{{printf "%*d|%-*d|%.*f" 5 1 5 1 2 3.14159}}', "    1|1    |3.14"],
    ['{{printf "%d %s" "x" 1}}', "%!d(string=x) %!s(int=1)"],
    [
      '{{printf "%d"}} {{printf "%!"}} {{printf "%z" 1}} {{printf "x" 1 "y"}} {{printf "%"}}',
      "%!d(MISSING) %!!(MISSING) %!z(int=1) x%!(EXTRA int=1, string=y) %!(NOVERB)",
    ],
    ['{{printf "%[5]d %[x]d %.[1]d" 1 2}}', "%!d(BADINDEX) %!d(BADINDEX) 1"],
    ['{{printf "%*d" "a" 1}}', "%!(BADWIDTH)1"],
    ['{{printf "%v %d %s %T" nil nil nil nil}}', "<nil> %!d(<nil>) %!s(<nil>) <nil>"],
    ['{{printf "%.3g %.10g %g %g %g" 1e6 1e6 1e20 1e21 1e-5}}', "1e+06 1000000 1e+20 1e+21 1e-05"],
    ['{{printf "%6.2f%%" 12.345}}', " 12.35%"],
    ['{{printf "%v %v" 1.0 100000.0}}', "1 100000"],
    ['{{printf "%.0f %.0f %.0f %.0f" 0.5 1.5 2.5 3.5}}', "0 2 2 4"],
    ['{{printf "%08b|%-8b|%+x|%x" 5 5 -255 -255}}', "00000101|101     |-ff|-ff"],
    ['{{printf "%v %v" 1i 2.5}}', "(0+1i) 2.5"],
    [
      '{{printf "%s" .l}} {{printf "%d" .l}} {{printf "%q" .l}} {{printf "%x" .l}}',
      '[x y] [%!d(string=x) %!d(string=y)] ["x" "y"] [78 79]',
    ],
    ['{{printf "%w" .s}}', "%!w(string=aé)"],
  ],
  print: [
    ['{{print 1 2 "a" "b" 3 4.5 nil true}}', "1 2ab3 4.5 <nil> true"],
    ['{{println 1 "a" .l}}', "1 a [x y]\n"],
    ["{{.m}} {{.l}} {{.nil}} {{.nope}} {{.deep}}", "map[a:<1> b:2] [x y] <no value> <no value> map[k:map[v:[1]]]"],
    ["{{print .nope .nil}}", "<nil> <nil>"],
    ['{{html "<a b=\'c\'>&\\"" 1}}', "&lt;a b=&#39;c&#39;&gt;&amp;&#34;1"],
    ['{{js "it\'s <b> \\\\ = \\n\\u2028é"}}', "it\\'s \\u003Cb\\u003E \\\\ \\u003D \\u000A\\u2028é"],
    ['{{urlquery "a b" "&c=é"}}', "a+b%26c%3D%C3%A9"],
  ],
  compare: [
    [
      '{{eq 1 1}} {{eq 1 2 3 1}} {{ne "a" "b"}} {{lt 1 2}} {{le 2 2}} {{gt 1.5 1.0}} {{ge "b" "a"}}',
      "true true true true true true true",
    ],
    ["{{eq .nil nil}} {{eq .nil 1}} {{eq .nope 1}} {{ne .nil nil}}", "true false false false"],
    ["{{eq true true}} {{eq 1i 1i}}", "true true"],
    ["{{eq .n 3.0}} {{lt .n 4.0}}", "true true"],
    [
      "{{eq .l .l}}",
      'template: t:1:2: executing "t" at <eq .l .l>: error calling eq: non-comparable type [x y]: []interface {}',
      true,
    ],
    [
      "{{eq 1 1.0}}",
      'template: t:1:2: executing "t" at <eq 1 1.0>: error calling eq: incompatible types for comparison',
      true,
    ],
    [
      "{{lt true false}}",
      'template: t:1:2: executing "t" at <lt true false>: error calling lt: invalid type for comparison',
      true,
    ],
    ["{{eq}}", 'template: t:1:2: executing "t" at <eq>: wrong number of args for eq: want at least 1 got 0', true],
    ["{{eq 1}}", 'template: t:1:2: executing "t" at <eq 1>: error calling eq: missing argument for comparison', true],
    [
      "{{lt .nil 1}}",
      'template: t:1:2: executing "t" at <lt .nil 1>: error calling lt: invalid type for comparison',
      true,
    ],
    [
      '{{eq .m "x"}}',
      'template: t:1:2: executing "t" at <eq .m "x">: error calling eq: incompatible types for comparison',
      true,
    ],
    [
      "{{eq .l .m}}",
      'template: t:1:2: executing "t" at <eq .l .m>: error calling eq: non-comparable types [x y]: []interface {}, map[string]interface {}: map[a:<1> b:2]',
      true,
    ],
  ],
  index: [
    [
      '{{index .l 1}} {{index .m "a"}} {{index .m "none"}} {{index .deep "k" "v" 0}} {{index .s 1}}',
      "y <1> <no value> 1 195",
    ],
    ['{{slice .s 1}} {{slice .l 1}} {{slice .l 0 1}} {{slice "abc" 1 2}} {{slice .l}}', "é [y] [x] b [x y]"],
    ["{{len .s}} {{len .l}} {{len .m}}", "3 2 2"],
    [
      "{{index .l 2}}",
      'template: t:1:2: executing "t" at <index .l 2>: error calling index: reflect: slice index out of range',
      true,
    ],
    [
      "{{index .l -1}}",
      'template: t:1:2: executing "t" at <index .l -1>: error calling index: index out of range: -1',
      true,
    ],
    [
      '{{index .l "a"}}',
      'template: t:1:2: executing "t" at <index .l "a">: error calling index: cannot index slice/array with type string',
      true,
    ],
    [
      "{{index .m 1}}",
      'template: t:1:2: executing "t" at <index .m 1>: error calling index: value has type int; should be string',
      true,
    ],
    [
      "{{index 1 1}}",
      'template: t:1:2: executing "t" at <index 1 1>: error calling index: can\'t index item of type int',
      true,
    ],
    [
      "{{index nil 1}}",
      'template: t:1:2: executing "t" at <index nil 1>: error calling index: index of untyped nil',
      true,
    ],
    [
      "{{index .l nil}}",
      'template: t:1:2: executing "t" at <index .l nil>: error calling index: cannot index slice/array with nil',
      true,
    ],
    [
      "{{slice .l 2 1}}",
      'template: t:1:2: executing "t" at <slice .l 2 1>: error calling slice: invalid slice index: 2 > 1',
      true,
    ],
    [
      "{{slice .l 3}}",
      'template: t:1:2: executing "t" at <slice .l 3>: error calling slice: index out of range: 3',
      true,
    ],
    [
      '{{slice "abc" 1 2 3}}',
      'template: t:1:2: executing "t" at <slice "abc" 1 2 3>: error calling slice: cannot 3-index slice a string',
      true,
    ],
    [
      "{{slice 1}}",
      'template: t:1:2: executing "t" at <slice 1>: error calling slice: can\'t slice item of type int',
      true,
    ],
    ["{{len 1}}", 'template: t:1:2: executing "t" at <len 1>: error calling len: len of type int', true],
    [
      "{{len nil}}",
      'template: t:1:2: executing "t" at <len nil>: error calling len: reflect: call of reflect.Value.Type on zero Value',
      true,
    ],
    [
      "{{call .n}}",
      'template: t:1:2: executing "t" at <call .n>: error calling call: non-function .n of type float64',
      true,
    ],
    ["{{call nil}}", 'template: t:1:2: executing "t" at <call nil>: error calling call: call of nil', true],
    [
      "{{slice .l 0 1 2 3}}",
      'template: t:1:2: executing "t" at <slice .l 0 1 2 3>: error calling slice: too many slice indexes: 4',
      true,
    ],
  ],
  control: [
    ["{{if .nil}}a{{else if .n}}b{{else}}c{{end}}", "b"],
    ["{{with .nope}}a{{else with .s}}{{.}}{{else}}c{{end}}", "aé"],
    ["{{range $i, $e := .l}}{{$i}}{{$e}},{{end}}", "0x,1y,"],
    ["{{range .m}}{{.}},{{end}}{{range $k, $v := .m}}{{$k}}={{$v}},{{end}}", "<1>,2,a=<1>,b=2,"],
    [
      "{{range 3}}{{.}}{{end}}{{range 0}}a{{else}}b{{end}}{{range nil}}a{{else}}c{{end}}",
      'template: t:1:59: executing "t" at <nil>: nil is not a command',
      true,
    ],
    ["{{range $i := 3}}{{if eq $i 1}}{{continue}}{{end}}{{$i}}{{end}}", "02"],
    ["{{$x := 1}}{{range .l}}{{$x = .}}{{end}}{{$x}}", "y"],
    ["{{$x := 1}}{{with .s}}{{$x := 2}}{{$x}}{{end}}{{$x}}", "21"],
    [
      "{{range $i, $e := 3}}{{end}}",
      'template: t:1:18: executing "t" at <3>: can\'t use 3 to iterate over more than one variable',
      true,
    ],
    ["{{range .s}}{{end}}", 'template: t:1:8: executing "t" at <.s>: range can\'t iterate over aé', true],
    ["{{range true}}{{end}}", 'template: t:1:8: executing "t" at <true>: range can\'t iterate over true', true],
    ["{{range 1.5}}{{end}}", 'template: t:1:8: executing "t" at <1.5>: range can\'t iterate over 1.5', true],
    [
      '{{template "none"}}',
      'template: t:1:11: executing "t" at <{{template "none"}}>: template "none" not defined',
      true,
    ],
    ['{{define "a"}}{{.}}{{$}}{{end}}{{template "a" 1}}{{template "a"}}', "11<no value><no value>"],
    ['{{block "b" .s}}[{{.}}]{{end}}', "[aé]"],
    [
      '{{and 1 0 2}} {{or 0 "" nil}} {{or 0 "x" (index .l 9)}} {{and}}',
      'template: t:1:58: executing "t" at <and>: wrong number of args for and: want at least 1 got 0',
      true,
    ],
    ["{{not}}", 'template: t:1:2: executing "t" at <not>: wrong number of args for not: want 1 got 0', true],
    ['{{.s | printf "%s-%s" "a"}}', "a-aé"],
    ["{{1 | 2}}", "template: t:1: non executable command in pipeline stage 2", true],
    ['{{"a" | .n}}', 'template: t:1:8: executing "t" at <.n>: n is not a method but has arguments', true],
    ["{{.n 1}}", 'template: t:1:2: executing "t" at <.n>: n is not a method but has arguments', true],
    ["{{(.deep).k.v}}", "[1]"],
    ["{{$.deep.k}}", "map[v:[1]]"],
    ["{{.s.x}}", 'template: t:1:4: executing "t" at <.s.x>: can\'t evaluate field x in type interface {}', true],
    [
      "{{.deep.k.v.x}}",
      'template: t:1:7: executing "t" at <.deep.k.v.x>: can\'t evaluate field x in type interface {}',
      true,
    ],
    ["{{.nil.x}}", 'template: t:1:6: executing "t" at <.nil.x>: nil pointer evaluating interface {}.x', true],
    ["{{.nope.x}}", "<no value>"],
    ["{{nil}}", 'template: t:1:2: executing "t" at <nil>: nil is not a command', true],
    ["{{nil.x}}", 'template: t:1: unexpected . after term "nil"', true],
    ["{{true.x}}", 'template: t:1: unexpected . after term "true"', true],
    ['{{"a".x}}', 'template: t:1: unexpected . after term "\\"a\\""', true],
    ["{{1.x}}", 'template: t:1: bad number syntax: "1.x"', true],
    ["{{1 2}}", 'template: t:1:2: executing "t" at <1>: can\'t give argument to non-function 1', true],
    ['{{.s "a"}}', 'template: t:1:2: executing "t" at <.s>: s is not a method but has arguments', true],
    ['{{len "a" "b"}}', 'template: t:1:2: executing "t" at <len>: wrong number of args for len: want 1 got 2', true],
    ["{{len}}", 'template: t:1:2: executing "t" at <len>: wrong number of args for len: want 1 got 0', true],
    [
      "{{printf}}",
      'template: t:1:2: executing "t" at <printf>: wrong number of args for printf: want at least 1 got 0',
      true,
    ],
    ["{{printf 1}}", 'template: t:1:9: executing "t" at <1>: expected string; found 1', true],
    ["{{99999999999999999999}}", 'template: t:1: integer overflow: "99999999999999999999"', true],
    [
      "{{18446744073709551615}}",
      'template: t:1:2: executing "t" at <18446744073709551615>: 18446744073709551615 overflows int',
      true,
    ],
    ["{{'ab'}}", "template: t:1: malformed character constant: 'ab'", true],
    ["{{''}}", "template: t:1: invalid syntax", true],
    ['{{"\\q"}}', "template: t:1: invalid syntax", true],
    ["{{0x}}", 'template: t:1: illegal number syntax: "0x"', true],
    ["{{1_0}} {{0b101}} {{0o17}} {{017}} {{0x1p4}} {{1e3}} {{.5}}", "10 5 15 15 16 1000 0.5"],
    ["{{'a'}} {{'\\n'}} {{'\\x41'}}", "97 10 65"],
  ],
  parse: [
    ["{{", "template: t:1: unclosed action", true],
    ["{{}}", "template: t:1: missing value for command", true],
    ["{{.a", "template: t:1: unclosed action", true],
    ["{{if}}", "template: t:1: missing value for if", true],
    ["{{if .a}}", "template: t:1: unexpected EOF", true],
    ["{{end}}", "template: t:1: unexpected {{end}}", true],
    ["{{else}}", "template: t:1: unexpected {{else}}", true],
    ["{{if .a}}{{else}}{{else}}{{end}}", "template: t:1: expected end; found {{else}}", true],
    ["{{range}}{{end}}", "template: t:1: missing value for range", true],
    ["{{break}}", "template: t:1: {{break}} outside {{range}}", true],
    ["{{continue}}", "template: t:1: {{continue}} outside {{range}}", true],
    ["{{range .l}}{{break 1}}{{end}}", 'template: t:1: unexpected "1" in {{break}}', true],
    ['{{define "a"}}', "template: t:1: unexpected EOF", true],
    ["{{define a}}{{end}}", 'template: t:1: unexpected "a" in define clause', true],
    ['{{if .a}}{{define "a"}}{{end}}{{end}}', "template: t:1: unexpected <define> in command", true],
    ["{{template}}", 'template: t:1: unexpected "}}" in template clause', true],
    [
      '{{template "a" .b .c}}',
      'template: t:1:11: executing "t" at <{{template "a" .b .c}}>: template "a" not defined',
      true,
    ],
    ["{{template a}}", 'template: t:1: unexpected "a" in template clause', true],
    ['{{block "a"}}{{end}}', "template: t:1: missing value for block clause", true],
    ["{{nope}}", 'template: t:1: function "nope" not defined', true],
    ["{{$x}}", 'template: t:1: undefined variable "$x"', true],
    ["{{$x = 1}}", 'template: t:1:7: executing "t" at <1>: undefined variable: $x', true],
    ["{{$x, $y := .l}}", "template: t:1: too many declarations in command", true],
    ["{{range $x, $y, $z := .l}}{{end}}", "template: t:1: too many declarations in range", true],
    ["{{range $x, 1 := .l}}{{end}}", "template: t:1: range can only initialize variables", true],
    ["{{(1}}", "template: t:1: unclosed left paren", true],
    ["{{1)}}", "template: t:1: unexpected right paren", true],
    ["{{(1))}}", "template: t:1: unexpected right paren", true],
    ["{{.a.}}", "template: t:1: unexpected <.> in operand", true],
    ["{{.a-b}}", "template: t:1: bad character U+002D '-'", true],
    ['{{a"}}', "template: t:1: bad character U+0022 '\"'", true],
    ['{{"a}}', "template: t:1: unterminated quoted string", true],
    ["{{`a}}", "template: t:1: unterminated raw quoted string", true],
    ["{{'a}}", "template: t:1: unterminated character constant", true],
    ["{{/* a }}", "template: t:1: unclosed comment", true],
    ["{{/* a */ }}", "template: t:1: comment ends before closing delimiter", true],
    ["{{ /* a */}}", 'template: t:1: unexpected "/" in command', true],
    ["{{1.2.3}}", 'template: t:1: unexpected ".3" in operand', true],
    ["{{1a}}", 'template: t:1: bad number syntax: "1a"', true],
    ["{{a b : c}}", 'template: t:1: function "a" not defined', true],
    ["{{$x := }}", "template: t:1: missing value for command", true],
    ["{{| 1}}", 'template: t:1: unexpected "|" in command', true],
    ["{{1 |}}", "1"],
    ["{{.a | 1}}", "template: t:1: non executable command in pipeline stage 2", true],
    ['{{"a" "b"}}', 'template: t:1:2: executing "t" at <"a">: can\'t give argument to non-function "a"', true],
    ["a\nb\n{{if .x}}\n{{nope}}", 'template: t:4: function "nope" not defined', true],
    ['{{"a\nb"}}', "template: t:1: unterminated quoted string", true],
    ['{{\n.n\n|\nprintf "%d"}}', "%!d(float64=3)"],
    ["{{#}}", 'template: t:1: unexpected "#" in command', true],
    ["{{é}}", 'template: t:1: function "é" not defined', true],
    ["{{.é}}", "<no value>"],
    ["{{ }}", "template: t:1: unrecognized character in action: U+00A0", true],
    [
      '{{define "x"}}a{{end}}{{define "x"}}b{{end}}',
      'template: t:1: template: multiple definition of template "x"',
      true,
    ],
    ['{{define "x"}}a{{end}}{{define "x"}} {{end}}{{template "x"}}', "a"],
    ["{{with $x := 1}}{{end}}{{$x}}", 'template: t:1: undefined variable "$x"', true],
    ["{{if $x := 1}}{{$x}}{{else}}{{$x}}{{end}}", "1"],
    ["a {{- 1 -}} b", "a1b"],
    ["a {{-1}} b", "a -1 b"],
    ["{{- /* c */ -}} x", "x"],
    ["{{1 -}}\n\n y", "1y"],
    ["{{3 -2}}", 'template: t:1:2: executing "t" at <3>: can\'t give argument to non-function 3', true],
    ["{{range .l}}{{else}}{{break}}{{end}}", "template: t:1: {{break}} outside {{range}}", true],
    ["{{else if .a}}{{end}}", "template: t:1: unexpected {{else}}", true],
    ["{{if .a}}{{else with .b}}{{end}}", "template: t:1: unexpected <with> in input", true],
    ["{{end 1}}", 'template: t:1: unexpected "1" in end', true],
    ['{{define "x" 1}}{{end}}', 'template: t:1: unexpected "1" in define clause', true],
  ],
};

const DATA = {
  s: "aé",
  n: 3,
  f: 1234567.891,
  l: ["x", "y"],
  m: { b: 2, a: "<1>" },
  nil: null,
  t: true,
  deep: { k: { v: [1] } },
};

for (const [group, cases] of Object.entries(CASES)) {
  describe(group, () => {
    for (const [text, want, fails] of cases) {
      test(text, () => {
        const run = (): string => new Template("t").parse(text).execute(DATA);
        if (!fails) {
          expect(run()).toBe(want);
          return;
        }
        let error: unknown;
        try {
          run();
        } catch (thrown) {
          error = thrown;
        }
        expect(error).toBeInstanceOf(TemplateError);
        expect((error as Error).message).toBe(want);
      });
    }
  });
}
