import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TemplateError } from "../error.ts";
import { alertmanagerFunctions } from "../functions/alertmanager.ts";
import { Template } from "../template.ts";
import { Value } from "../value/value.ts";
import { HtmlTemplate } from "./template.ts";
import { CSS, HTML, HTML_ATTR, JS, JS_STRING, SRCSET, URL } from "./types.ts";

const run = (text: string, data?: unknown): string => new HtmlTemplate("t").parse(text).execute(data);

describe("an action is escaped for where it stands", () => {
  test.each([
    ["<b>{{.}}</b>", "a<b & 'c' \"d\" + \0", "<b>a&lt;b &amp; &#39;c&#39; &#34;d&#34; &#43; \ufffd</b>"],
    ['<b title="{{.}}">', '"x" y', '<b title="&#34;x&#34; y">'],
    ["<b title='{{.}}'>", "'x'", "<b title='&#39;x&#39;'>"],
    ["<b title={{.}}>", "a b=`c`", "<b title=a&#32;b&#61;&#96;c&#96;>"],
    ["<b title={{.}}>", "", "<b title=ZgotmplZ>"],
    ["<b {{.}}=1>", "Data1", "<b data1=1>"],
    ["<b {{.}}=1>", "onclick", "<b ZgotmplZ=1>"],
    ["<b {{.}}=1>", "a b", "<b ZgotmplZ=1>"],
    ['<a href="{{.}}">', "https://x/a?b=c&d=<é>", '<a href="https://x/a?b=c&amp;d=%3c%c3%a9%3e">'],
    ['<a href="{{.}}">', "javascript:alert(1)", '<a href="#ZgotmplZ">'],
    ['<a href="{{.}}">', "x/y:z", '<a href="x/y:z">'],
    ['<a href="/p/{{.}}">', "a b?c%20d%", '<a href="/p/a%20b?c%20d%25">'],
    ['<a href="/p?q={{.}}">', "a b&c=d/é", '<a href="/p?q=a%20b%26c%3dd%2f%c3%a9">'],
    ['<a data-href="{{.}}" g:url="{{.}}">', "javascript:x", '<a data-href="#ZgotmplZ" g:url="#ZgotmplZ">'],
    ['<img srcset="{{.}} 2x">', "/a b, javascript:c", '<img srcset="/a b,#ZgotmplZ 2x">'],
    ['<img srcset="{{.}}">', "/a 2x, /b?c=d 200w", '<img srcset="/a 2x, /b?c=d 200w">'],
    [
      "<script>f({{.}})</script>",
      { a: ["</script>", 1.5, null, true] },
      '<script>f({"a":["\\u003c/script\\u003e",1.5,null,true]})</script>',
    ],
    ["<script>typeof{{.}}in x</script>", 3, "<script>typeof 3 in x</script>"],
    [
      "<script>f('{{.}}')</script>",
      "it's </script> \u2028\n",
      "<script>f('it\\u0027s \\u003c\\/script\\u003e \\u2028\\n')</script>",
    ],
    ["<script>f(`{{.}}`)</script>", "`${x}`", "<script>f(`\\u0060\\u0024\\u007bx\\u007d\\u0060`)</script>"],
    ["<script>f(`a${ {x: 1} + {{.}} }b{{.}}`)</script>", "`", '<script>f(`a${ {x: 1} + "`" }b\\u0060`)</script>'],
    ["<script>/^{{.}}$/.test(x / 2)</script>", "a.b/c", "<script>/^a\\.b\\/c$/.test(x / 2)</script>"],
    ["<script>/{{.}}/</script>", "", "<script>/(?:)/</script>"],
    ['<p onclick="f({{.}})">', "it's", '<p onclick="f(&#34;it&#39;s&#34;)">'],
    ["<p onclick='f(&quot;{{.}}&quot;)'>", "<x>", "<p onclick='f(&quot;\\u003cx\\u003e&quot;)'>"],
    ["<style>p { color: {{.}} }</style>", "#fff", "<style>p { color: #fff }</style>"],
    ["<style>p { color: {{.}} }</style>", "expre\\73sion(1)", "<style>p { color: ZgotmplZ }</style>"],
    ["<style>p { color: {{.}} }</style>", "a--b", "<style>p { color: ZgotmplZ }</style>"],
    ["<style>p { background: url('{{.}}') }</style>", "/a'b(", "<style>p { background: url('/a%27b%28') }</style>"],
    ["<style>p { background: url({{.}}) }</style>", "javascript:x", "<style>p { background: url(#ZgotmplZ) }</style>"],
    ['<style>p { font: "{{.}}" }</style>', 'a"b', '<style>p { font: "a\\22 b" }</style>'],
    ['<p style="width: {{.}}px">', 12.5, '<p style="width: 12.5px">'],
    ["<textarea>{{.}}</textarea>", "</textarea>", "<textarea>&lt;/textarea&gt;</textarea>"],
    ["<title>{{.}} < 1</title>", "&", "<title>&amp; &lt; 1</title>"],
    ['<script type="text/template">{{.}}</script>', "<b>", '<script type="text/template">&lt;b&gt;</script>'],
    ["a < b {{.}}", "c", "a &lt; b c"],
    ["<!DOCTYPE html>{{.}}", "x", "<!DOCTYPE html>x"],
  ])("%s", (text, data, want) => {
    expect(run(text, data)).toBe(want);
  });

  test("nothing prints nothing", () => {
    expect(run("<b>{{.none}}{{.nil}}</b><script>x = {{.none}}</script>", { nil: null })).toBe(
      "<b></b><script>x =  null </script>",
    );
  });

  test("comments are dropped, with what stands in them", () => {
    expect(run("a<!-- {{.}} -->b", "x")).toBe("ab");
    expect(run("<script>1 /* {{.}} */ + 2 // {{.}}\n+ 3 <!-- {{.}}\n</script>", "x")).toBe(
      "<script>1    + 2 \n+ 3 \n</script>",
    );
    expect(run("<style>a{}/*{{.}}*/b{}</style>", "x")).toBe("<style>a{} b{}</style>");
    expect(run("<script>a /* \n */ b</script>")).toBe("<script>a \n b</script>");
  });

  test("script tags in literals of scripts are spelled so that they end nothing", () => {
    expect(run("<script>a = '</script><!--'</script>")).toBe("<script>a = '\\x3C/script>\\x3C!--'</script>");
  });

  test("content that is safe where it stands passes, and is escaped elsewhere", () => {
    const data = {
      html: new Value(HTML, "<i>&amp;</i>"),
      attr: new Value(HTML_ATTR, 'dir="ltr"'),
      url: new Value(URL, "javascript:x?a=b"),
      js: new Value(JS, 'f("x")'),
      jsString: new Value(JS_STRING, "a\\nb"),
      css: new Value(CSS, "a:b"),
      srcset: new Value(SRCSET, "/a 1x"),
    };
    expect(run('{{.html}}<b title="{{.html}}" {{.attr}}>', data)).toBe('<i>&amp;</i><b title="&amp;" dir="ltr">');
    expect(run('<a href="{{.url}}">{{.url}}', data)).toBe('<a href="javascript:x?a=b">javascript:x?a=b');
    expect(run("<script>{{.js}};{{.jsString}};'{{.jsString}}';{{.html}}</script>", data)).toBe(
      '<script>f("x");"a\\nb";\'a\\nb\';"\\u003ci\\u003e\\u0026amp;\\u003c/i\\u003e"</script>',
    );
    expect(run('<p style="{{.css}}"><img srcset="{{.srcset}}">', data)).toBe('<p style="a:b"><img srcset="/a 1x">');
  });

  test("html and urlquery at the end of a pipeline are merged with the escapers", () => {
    expect(run("{{. | html}}{{html . .}}", "<")).toBe("&lt;&lt;&lt;");
    expect(run('<a href="/?q={{. | urlquery}}">', "a b")).toBe('<a href="/?q=a&#43;b">');
  });
});

describe("templates in templates", () => {
  test("one template serves several contexts", () => {
    const text =
      '{{define "v"}}{{.}}{{end}}<b>{{template "v" .}}</b><b title="{{template "v" .}}">' +
      "<script>{{template `v` .}}</script>";
    expect(run(text, '<"')).toBe('<b>&lt;&#34;</b><b title="&lt;&#34;"><script>"\\u003c\\""</script>');
    expect(new HtmlTemplate("t").parse(text).execute("x", "v")).toBe("x");
  });

  test("recursive ones come to an end", () => {
    const text =
      '{{define "list"}}<li>{{.n}}{{if .next}}{{template "list" .next}}{{end}}</li>{{end}}{{template "list" .}}';
    expect(run(text, { n: "<1>", next: { n: 2 } })).toBe("<li>&lt;1&gt;<li>2</li></li>");
  });

  test("what a template ends in counts in every call of it", () => {
    const open = '{{define "open"}}<a href="{{end}}';
    expect(run(`${open}{{template "open"}}{{.}}">{{template "open"}}{{.}}">`, "javascript:x")).toBe(
      '<a href="#ZgotmplZ"><a href="#ZgotmplZ">',
    );
  });

  test("braces of template literals are counted on each branch", () => {
    const text = "<script>`${ {{if .}}{ a {{else}}{ b {{end}}} }{{.}}`</script>";
    expect(run(text, "$")).toBe("<script>`${ { a } }\\u0024`</script>");
  });

  test("errors of running name the template as it was derived", () => {
    expect(() => run('{{define "v"}}{{.a.b}}{{end}}<b title="{{template "v" .}}">', { a: 1 })).toThrow(
      'template: t:1:18: executing "v$htmltemplate_stateAttr_delimDoubleQuote" at <.a.b>: can\'t evaluate field b in type interface {}',
    );
  });
});

describe("templates that are not safe with any data are refused", () => {
  test.each([
    [
      "<a b=1 c={{.}}",
      "html/template:t: ends in a non-text context: {stateAttr delimSpaceOrTagEnd urlPartNone jsCtxRegexp attrNone elementNone <nil>}",
    ],
    [
      "x\n{{if .}}<a{{end}}",
      "html/template:t:2:5: {{if}} branches end in different contexts: {stateTag delimNone urlPartNone jsCtxRegexp attrNone elementNone <nil>}, {stateText delimNone urlPartNone jsCtxRegexp attrNone elementNone <nil>}",
    ],
    ["{{range .}}<a{{end}}", 'html/template:t:1: on range loop re-entry: "<" in attribute name: "<a"'],
    [
      "{{range .}}<a{{if .}}{{break}}{{end}}>{{end}}",
      "html/template:t:1:23: at range loop break: {{range}} branches end in different contexts",
    ],
    ["{{range .}}<a{{if .}}{{continue}}{{end}}>{{end}}", "at range loop continue: {{range}} branches"],
    [
      '<a href="{{if .}}/x?{{else}}/y{{end}}{{.}}">',
      "html/template:t:1:39: {{.}} appears in an ambiguous context within a URL",
    ],
    ["<script>{{if .}}a{{end}}/-{{.}}/</script>", "'/' could start a division or regexp: \"/-\""],
    ["<p onclick=\"f('\\", 'unfinished escape sequence in JS string: "\\\\"'],
    ['<p onclick="/a[b/', 'unfinished JS regexp charset: "a[b/"'],
    ["<style>a { b: 'c\\", 'unfinished escape sequence in CSS string: "c\\\\"'],
    ["<a =b>", 'expected space, attr name, or end of tag, but got "=b>"'],
    ["<a 'b>", '"\'" in attribute name: " \'b>"'],
    ["<a title=b'c>", '"\'" in unquoted attr: "b\'c"'],
    ['{{template "none"}}', 'html/template:t:1:11: no such template "none"'],
    ["{{. | html | print}}", 'html/template:t:1:2: predefined escaper "html" disallowed in template'],
    ["<a title={{. | html}}>", 'predefined escaper "html" disallowed in template'],
    [
      '{{define "r"}}{{if .}}{{template "r" .}}{{end}}"{{end}}<script>{{template "r"}}</script>',
      "cannot compute output context for template r$htmltemplate_stateJS_elementScript",
    ],
  ])("%s", (text, want) => {
    let error: unknown;
    try {
      run(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(TemplateError);
    expect(error).toMatchObject({ code: "gotemplate.escape" });
    expect((error as Error).message).toContain(want);
  });

  test("and stay refused, also when another template calls them", () => {
    const set = new HtmlTemplate("t").parse(
      '{{define "bad"}}<a title={{.}}{{end}}{{define "user"}}{{template "bad" .}}>{{end}}x',
    );
    expect(() => set.execute("<", "bad")).toThrow("ends in a non-text context");
    expect(() => set.execute("<", "bad")).toThrow("ends in a non-text context");
    expect(set.execute("<", "user")).toBe("<a title=&lt;>");
    expect(set.execute()).toBe("x");
  });
});

describe("a set of templates", () => {
  test("takes no more text once it was executed", () => {
    const set = new HtmlTemplate("t").parse("a");
    const copy = set.clone();
    expect(set.execute()).toBe("a");
    expect(() => set.parse("b")).toThrow("html/template: cannot Parse after Execute");
    expect(() => set.clone()).toThrow('html/template: cannot Clone "t" after it has executed');
    expect(copy.parse("b").execute()).toBe("b");
    expect(() => set.execute(undefined, "none")).toThrow('html/template: "none" is undefined');
    expect(() => new HtmlTemplate("u").execute()).toThrow('template: "u" is an incomplete or empty template');
  });

  test("starts from a text template and leaves it as it is", () => {
    const text = new Template("t", { funcs: alertmanagerFunctions() }).parse('{{define "x"}}<b>{{.}}{{end}}');
    const html = new HtmlTemplate(text.clone("page").parse('{{template "x" .}}{{safeHtml "<hr>"}}'));
    expect(html.execute("<")).toBe("<b>&lt;<hr>");
    expect(text.execute("<", "x")).toBe("<b><");
  });

  test("keeps to its limits", () => {
    const nested = `${"{{range .}}".repeat(30)}${"{{end}}".repeat(30)}`;
    expect(() => run(nested)).toThrow("too many steps to escape it");
    const chain = Array.from({ length: 20_000 }, (_, i) => `{{define "t${i}"}}{{template "t${i + 1}"}}{{end}}`).join(
      "",
    );
    expect(() => run(`${chain}{{define "t20000"}}{{end}}{{template "t0"}}`)).toThrow(/too deeply|too many steps|depth/);
  });
});

describe("any data", () => {
  /** A place for data, and what must not come out of it there. */
  const PLACES: readonly (readonly [before: string, after: string, bad: RegExp])[] = [
    ["<b>", "</b>", /[<>]/],
    ['<b title="', '">', /["<>]/],
    ["<b title='", "'>", /['<>]/],
    ["<b title=", ">", /[ \t\n\f\r"'<>=`]/],
    ['<a href="', '">', /["<> \n]|^\s*javascript:/i],
    ['<a href="/?q=', '">', /["<> \n&=]/],
    ["<script>x = '", "'</script>", /['<>\n\r\u2028]/],
    ["<script>x = ", "</script>", /[<>\n\r\u2028]/],
    ["<script>x = `", "`</script>", /[`<>$]/],
    ["<style>p { a: ", " }</style>", /[<>{}();"'\\/]/],
    ["<textarea>", "</textarea>", /[<>]/],
  ];

  test("stays where it was put", () => {
    const nasty = fc.constantFrom(
      "</script>",
      "<!--",
      "javascript:",
      "\\",
      "'",
      '"',
      "`",
      "${",
      "{",
      ")",
      ";",
      "\n",
      "\u2028",
      "/*",
      "&quot;",
      "\0",
      " on=",
    );
    const data = fc
      .array(fc.oneof(nasty, fc.string({ maxLength: 4 })), { maxLength: 8 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.constantFrom(...PLACES), data, ([before, after, bad], text) => {
        const out = run(`${before}{{.}}${after}`, text);
        expect(out.startsWith(before)).toBe(true);
        expect(out.endsWith(after)).toBe(true);
        expect(out.slice(before.length, out.length - after.length)).not.toMatch(bad);
      }),
      { seed: 11, numRuns: 2000 },
    );
  });
});
