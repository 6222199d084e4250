"""The page's style sheet: system type, one accent, colour for what needs a look, light and dark, screen and paper."""

STYLE = """
:root{
--paper:#fff;--ink:#17191f;--soft:#5a6070;--line:#e3e5ea;--wash:#f5f6f8;--track:#eceef2;--shade:#17191f1f;
--data:#3552c8;--faint:#aab6ea;--other:#9ba1af;--band:#3552c826;
--good:#17703f;--good-wash:#e4f4ea;--attention:#8a5200;--attention-wash:#fdf0d9;--bad:#b3261e;--bad-wash:#fdeceb;
--published:#3552c8;--rejected:#c7372c;--duplicate:#7d63b8;--superseded:#4d8f96;--pending:#d69a1d;--held:#c2621a;
--sans:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,"SF Mono",SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media screen and (prefers-color-scheme:dark){:root{
--paper:#121419;--ink:#e9ebf0;--soft:#9fa6b5;--line:#2a2e37;--wash:#1a1d24;--track:#252932;--shade:#000b;
--data:#8fa3ff;--faint:#46549c;--other:#6d7484;--band:#8fa3ff2b;
--good:#6fd19b;--good-wash:#15301f;--attention:#f0b85c;--attention-wash:#33260f;--bad:#ff8f85;--bad-wash:#3a1715;
--published:#8fa3ff;--rejected:#ff7d72;--duplicate:#b79cf0;--superseded:#78bcc3;--pending:#edc05a;--held:#f09a58}}
*{box-sizing:border-box}
html{color-scheme:light dark;scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 var(--sans);font-variant-numeric:tabular-nums;
text-rendering:optimizeLegibility}
.top,main,footer{max-width:1180px;margin:0 auto;padding:0 32px}
.skip{position:absolute;left:-999em}.skip:focus{left:16px;top:8px;background:var(--paper);padding:4px 8px}
a{color:inherit}:focus-visible{outline:2px solid var(--data);outline-offset:2px}
h1,h2,h3,p,dl,dd,ol,ul,pre{margin:0}
.top{padding-top:40px}
.brand{color:var(--soft);font-size:13px}.brand b{color:var(--ink);font-weight:600}
h1{font-size:clamp(26px,4.2vw,42px);line-height:1.14;letter-spacing:-.022em;font-weight:600;max-width:24ch;
margin:44px 0 20px;
overflow-wrap:anywhere;text-wrap:balance}
.facts{display:flex;flex-wrap:wrap;gap:6px 18px;align-items:center;color:var(--soft);font-size:14px}
nav{display:flex;flex-wrap:wrap;gap:4px 22px;margin-top:36px;padding:12px 0;border-top:1px solid var(--line);
font-size:14px}
nav a{text-decoration:none;color:var(--soft)}nav a:hover{color:var(--ink);text-decoration:underline;
text-underline-offset:4px}
.figures{display:grid;grid-template-columns:repeat(6,auto);justify-content:space-between;gap:20px 28px;
border-top:1px solid var(--line);padding:24px 0 28px}
.figures dt{color:var(--soft);font-size:13px}
.figures dd{font-size:27px;line-height:1.25;letter-spacing:-.02em;font-weight:500;white-space:nowrap}
.figures small{display:block;color:var(--soft);font-size:13px;font-weight:400;letter-spacing:0;line-height:1.5}
section{display:grid;grid-template-columns:190px minmax(0,1fr);gap:16px 48px;padding:40px 0 48px;
border-top:1px solid var(--line);
scroll-margin-top:8px}
section>header p{color:var(--soft);font-size:13.5px;margin-top:8px}
h2{font-size:19px;line-height:1.3;font-weight:600;letter-spacing:-.01em}
h3{font-size:15px;font-weight:600;margin-bottom:8px}
.content{display:grid;gap:24px;min-width:0}.content>div{min-width:0}
.content>.part:first-child{padding-top:0}
.part{padding-top:12px;display:grid;gap:12px;min-width:0}.part h3{margin:0}.part>*{min-width:0}
.stack{display:grid;gap:10px}.stack>*{min-width:0}
.hint{color:var(--soft);font-size:13.5px;max-width:75ch}.say{max-width:70ch}
.note{background:var(--wash);border-radius:6px;padding:10px 14px;max-width:80ch;overflow-wrap:anywhere}
.note.attention{background:var(--attention-wash)}.note.bad{background:var(--bad-wash);color:var(--bad)}
.tag{display:inline-block;font-size:12.5px;font-weight:500;line-height:1.5;padding:0 8px;border-radius:20px;
background:var(--wash);
color:var(--soft);white-space:nowrap}
.tag.good{background:var(--good-wash);color:var(--good)}.tag.bad{background:var(--bad-wash);color:var(--bad)}
.tag.attention{background:var(--attention-wash);color:var(--attention)}
code,pre{font-family:var(--mono);font-size:.875em}code{overflow-wrap:anywhere}
.scroll{overflow-x:auto;max-width:100%;background:linear-gradient(270deg,var(--paper) 40%,#0000) right/48px 100%
no-repeat local,linear-gradient(270deg,var(--shade),#0000) right/16px 100% no-repeat scroll}
table{border-collapse:collapse;width:100%;font-size:14px}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{text-align:left;vertical-align:middle;padding:7px 16px 7px 0;border-bottom:1px solid var(--line);font-weight:400;
unicode-bidi:isolate}
th:last-child,td:last-child{padding-right:2px}
thead th{color:var(--soft);font-size:12.5px;vertical-align:bottom;border-bottom-color:var(--other);white-space:nowrap}
tbody th{min-width:8em}.name{display:block;min-width:9em;overflow-wrap:anywhere}
tfoot th,tfoot td{font-weight:600;border-bottom:0}
tbody tr:last-child>*{border-bottom:0}tfoot tr>*{border-top:1px solid var(--other)}
.fig.wide{width:50%}.fig.slim{width:17%}.fig.middle{width:26%}.num{text-align:right;white-space:nowrap}.fig{width:40%;min-width:96px}
tbody th.num{min-width:0;width:1%;padding-right:20px}
.zero{color:var(--soft)}
.nowrap{white-space:nowrap}.name small,.cell small{display:block;color:var(--soft);font-size:12.5px}
svg{display:block;overflow:visible}svg *{vector-effect:non-scaling-stroke}
svg.bar,svg.span{width:100%;height:10px}svg.interval{width:calc(100% - 10px);margin:0 5px;height:18px}
th .axis{margin:0 5px}.fig:not(:last-child){padding-right:28px}
.track{fill:var(--track);stroke:none}line.track{stroke:var(--line);stroke-width:1}
.fill{fill:var(--data)}.fill.other{fill:var(--other)}.fill.faint{fill:var(--faint)}
.fill.good{fill:var(--data)}.fill.bad{fill:var(--bad)}.fill.attention{fill:var(--pending)}.fill.quiet{fill:var(--other)}
.fill.published,.key.published{fill:var(--published);background:var(--published)}
.fill.rejected,.key.rejected{fill:var(--rejected);background:var(--rejected)}
.fill.duplicate,.key.duplicate{fill:var(--duplicate);background:var(--duplicate)}
.fill.superseded,.key.superseded{fill:var(--superseded);background:var(--superseded)}
.fill.pending,.key.pending{fill:var(--pending);background:var(--pending)}
.fill.held,.key.held{fill:var(--held);background:var(--held)}
.outer{stroke:var(--faint);stroke-width:3}.inner{stroke:var(--data);stroke-width:5;opacity:.55}
.point{fill:var(--data);stroke:var(--paper);stroke-width:1.5}.mark{stroke:var(--ink);stroke-width:1.5}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:13px;color:var(--soft)}
.key{display:inline-block;width:10px;height:10px;border-radius:2px;margin-right:7px}
.key.point{border-radius:50%;background:var(--data)}.key.inner{height:5px;width:18px;background:var(--data);
opacity:.55;vertical-align:2px}
.key.outer{height:3px;width:18px;background:var(--faint);vertical-align:3px}.key.mark{width:2px;background:var(--ink)}
.axis{display:block;position:relative;height:1.5em;font-size:12px;color:var(--soft)}
.axis .tick{position:absolute;transform:translateX(-50%);white-space:nowrap}
.axis .first{transform:none}.axis .last{transform:translateX(-100%)}
.chart{padding:12px 0 0 52px}.plot{position:relative;height:220px;margin-bottom:6px}
.plot svg{position:absolute;inset:0;width:100%;height:100%}
.plot .y{position:absolute;right:100%;margin-right:10px;transform:translateY(50%);font-size:12px;color:var(--soft);
white-space:nowrap}
.grid{stroke:var(--line);stroke-width:1}.band{fill:var(--band)}
.line{fill:none;stroke:var(--data);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.flow{display:grid;grid-template-rows:100%;grid-template-columns:auto minmax(60px,1fr) auto;gap:14px;max-width:860px}
.flow svg{width:100%;height:100%}.flow path.published{opacity:.32}
.sources,.ends{position:relative;font-size:14px;line-height:1.35}.sources{width:104px}.ends{width:360px}
.start,.end{position:absolute;transform:translateY(-50%)}.start{right:0;text-align:right;color:var(--soft)}
.start b{color:var(--ink);font-size:20px;font-weight:500;letter-spacing:-.01em}
.end{left:0;color:var(--soft);white-space:nowrap}.end b{color:var(--ink);font-weight:600;display:inline-block;
min-width:3.7em}
.end.published b{font-size:20px;font-weight:500;letter-spacing:-.01em;margin-right:4px}
.finding{border-top:1px solid var(--line);padding:8px 0}.finding .scroll{margin-top:8px}
.part>.finding+.finding{margin-top:-12px}
.finding>summary{width:auto;color:var(--ink);font-size:14px}
.rule{display:flex;gap:4px 12px;align-items:baseline;font-size:14px}.rule .what{flex:1;min-width:0}
summary .rule{display:inline-flex;width:calc(100% - 20px);vertical-align:top}
.rule b{font-weight:600;overflow-wrap:anywhere;margin-right:8px}.rule .about,.rule .count{color:var(--soft)}
details{min-width:0}details>*+*{margin-top:12px}
summary{cursor:pointer;color:var(--soft);font-size:13.5px;width:fit-content}summary:hover{color:var(--ink)}
.plain{padding:0;list-style:none}
.banner{display:block;background:var(--bad-wash);border:0;border-top:3px solid var(--bad);padding:24px 28px 28px;
margin:0 0 32px}
.banner h2{color:var(--bad);font-size:22px;margin-bottom:16px}.banner h3{margin-top:18px;margin-bottom:4px}
.banner dl{display:flex;flex-wrap:wrap;gap:12px 40px}.banner dt{color:var(--soft);font-size:13px}
.banner dd{font-weight:500;overflow-wrap:anywhere}.banner ol{padding-left:1.3em;max-width:85ch}.banner li{padding:2px 0}
.why{font-family:var(--mono);font-size:13.5px;margin:18px 0 8px;overflow-wrap:anywhere;white-space:pre-wrap}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:12.5px;line-height:1.5;max-height:420px;overflow:auto}
footer{color:var(--soft);font-size:13px;padding-top:24px;padding-bottom:56px}
footer p+p{margin-top:2px}
h1,.note,dd,.why,code{unicode-bidi:isolate}
@media (max-width:900px){
section{grid-template-columns:minmax(0,1fr);gap:16px}section>header p{max-width:65ch}
.figures{grid-template-columns:repeat(3,1fr)}}
@media (max-width:640px){
.top,main,footer{padding-left:18px;padding-right:18px}.top{padding-top:24px}h1{margin-top:28px}
nav{margin-top:24px}.figures{grid-template-columns:repeat(2,1fr);gap:18px}.figures dd{font-size:23px}
section{padding:30px 0 36px}.minor{display:none}th,td{padding-right:12px}
.fig,.fig.middle{min-width:92px}.fig.wide{width:34%}tbody th{min-width:0}
.name{min-width:7.5em}.rule{flex-wrap:wrap}.rule .what{flex:1 0 100%;order:3}
.fig:not(:last-child){padding-right:10px}
.plot{height:180px}.chart{padding-left:46px}
.flow{gap:10px;grid-template-columns:auto minmax(36px,1fr) auto}.sources{width:64px;font-size:12.5px}.ends{width:132px;
font-size:12.5px}
.start b,.end.published b{font-size:16px}.means{display:none}.banner{margin-left:-18px;margin-right:-18px;
padding:20px 18px}}
@media print{
:root{--paper:#fff;--ink:#000;--soft:#444;--line:#ccc;--wash:#f3f3f3;color-scheme:light}
body{font-size:10.5pt}nav,.skip{display:none}.top,main,footer{max-width:none;padding:0}
section{grid-template-columns:minmax(0,1fr);gap:10px;padding:18px 0}.scroll{overflow:visible}pre{max-height:none}
.part,.finding,tr,.flow,.chart{break-inside:avoid}h2,h3{break-after:avoid}
table{font-size:9pt}th,td{padding-right:9px}.sources,.ends{font-size:9pt}.facts{margin-bottom:14px}
svg,.tag,.note,.key,.banner{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
"""
