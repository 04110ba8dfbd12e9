"""How swim-lanes and broken invariants look, beyond what all pages share."""

__all__ = ["STYLE"]

STYLE = """
:root {
  --wait: #8a5a00; --wait-soft: #fff4d6;
  --lane-0: #1f5fbf; --lane-1: #8a3fa0; --lane-2: #0b7a75; --lane-3: #a8501b; --lane-4: #4b5bb5;
  --lane-5: #5f6b17;
}
@media (prefers-color-scheme: dark) {
  :root {
    --wait: #f4c45b; --wait-soft: #3a2d0c;
    --lane-0: #7fb2ff; --lane-1: #d79bea; --lane-2: #5fd0c8; --lane-3: #f0a675; --lane-4: #aab5ff;
    --lane-5: #c3cf6b;
  }
}
.violation {
  margin: 0 0 .75rem; padding: .75rem 1rem; background: var(--fail-soft);
  border-left: .3rem solid var(--fail);
  border-radius: .4rem; overflow-wrap: anywhere;
}
.violation h3, .violation h4 { margin: 0 0 .25rem; font-size: 1rem; color: var(--fail); }
.violation ul { margin: 0; padding: 0; list-style: none; }
.violation li + li { margin-top: .25rem; padding-top: .25rem; border-top: 1px solid var(--rule); }
.lanes { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; }
.lanes:focus-visible, .lanes summary:focus-visible { outline: 3px solid var(--lane-0); outline-offset: 2px; }
.lanes table { width: 100%; border-collapse: collapse; table-layout: fixed; font-size: .85rem; }
.lanes caption { padding: .75rem 1rem; text-align: left; color: var(--quiet); font-weight: 400; }
.lanes tr { border: 0; }
.lanes thead th {
  position: sticky; top: 0; z-index: 1; padding: .6rem .75rem; text-align: left; font-size: .95rem;
  font-weight: 700; background: var(--card); border-bottom: 2px solid var(--rule); overflow-wrap: anywhere;
}
.lanes thead th:first-child, .lanes .row-number { width: 4rem; min-width: 0; }
.lanes thead th:first-child { text-align: right; font-weight: 400; font-size: .8rem; color: var(--quiet); }
.lanes .row-number {
  padding: .45rem .75rem; text-align: right; font-weight: 400; color: var(--quiet);
  vertical-align: top;
}
.lanes td { padding: .15rem .6rem; vertical-align: top; }
.lane { background: linear-gradient(var(--rule), var(--rule)) .95rem 0 / 2px 100% no-repeat; }
.lane-0 { --lane: var(--lane-0); } .lane-1 { --lane: var(--lane-1); } .lane-2 { --lane: var(--lane-2); }
.lane-3 { --lane: var(--lane-3); } .lane-4 { --lane: var(--lane-4); } .lane-5 { --lane: var(--lane-5); }
.lanes thead .name { color: var(--lane); }
.lanes thead .name::before {
  content: ""; display: inline-block; width: .75rem; height: .75rem; margin-right: .5rem;
  border-radius: 50%;
  background: var(--lane);
}
.label, .row-number {
  font-family: ui-monospace, "Cascadia Code", "SF Mono", Menlo, Consolas, monospace;
}
.label { display: block; padding: .3rem .6rem; border-radius: .35rem; overflow-wrap: anywhere; }
.step .label {
  background: color-mix(in srgb, var(--lane) 12%, var(--card)); border-left: .25rem solid var(--lane);
}
.call .label, .answer .label { padding-left: .85rem; background: var(--card); color: var(--lane); }
.waits .label { background: var(--wait-soft); border-left: .25rem dashed var(--wait); }
.tag {
  display: inline-block; margin-left: .5rem; padding: 0 .4rem; border-radius: .3rem;
  font: 600 .75rem/1.5 system-ui, sans-serif;
}
.tag.wait { color: var(--wait); border: 1px solid var(--wait); }
.tag.stop { color: var(--ink); border: 1px solid var(--quiet); }
.preempts td, .preempts th { border-top: 1px dashed var(--quiet); }
.lanes .across td { padding: .6rem .75rem; text-align: center; color: var(--quiet); }
.lanes .broken td {
  background: var(--fail-soft); color: var(--fail); font-weight: 600; text-align: left;
  overflow-wrap: anywhere;
  border-top: 2px solid var(--fail); border-bottom: 2px solid var(--fail);
}
.broken td::before { content: "\\2717"; margin-right: .6rem; }
.lanes summary { cursor: pointer; }
.label details, .label summary { display: inline; }
.label summary::after { content: " more"; color: var(--quiet); font: .75rem system-ui, sans-serif; }
.label details[open] summary::after { content: " in full: "; }
.broken details { display: inline-block; max-width: calc(100% - 2rem); vertical-align: top; }
.lanes details[open] summary { color: var(--quiet); }
.actor { display: none; }
@media (max-width: 44rem) {
  .lanes { overflow-x: visible; }
  .lanes table, .lanes caption, .lanes tbody, .lanes tr, .lanes td, .lanes .row-number {
    display: block; width: auto;
  }
  .lanes thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .lanes tr { position: relative; padding: .1rem .6rem .1rem 2.9rem; }
  .lanes tr .row-number { position: absolute; left: 0; top: .55rem; width: 2.4rem; padding: 0; }
  .lanes td, .lanes .across td { padding: .1rem 0; background: none; }
  .lanes td:empty { display: none; }
  .lane { background: none; }
  .preempts td, .preempts th { border-top: 0; }
  .lanes tr.preempts { border-top: 1px dashed var(--quiet); }
  .lanes .broken td { padding: .6rem .75rem; background: var(--fail-soft); }
  .lanes .broken { padding-left: .6rem; }
  .actor {
    display: inline; margin-right: .5rem; font: 700 .8rem system-ui, sans-serif; color: var(--lane);
  }
}
@media print {
  :root {
    --wait: #6b4600; --wait-soft: #fff4d6;
    --lane-0: #1f5fbf; --lane-1: #8a3fa0; --lane-2: #0b7a75; --lane-3: #a8501b; --lane-4: #4b5bb5;
    --lane-5: #5f6b17;
  }
  .lanes { overflow: visible; border: 0; }
  .label details:not([open]) summary::after { content: ""; }
  .lanes thead { display: table-header-group; }
  .lanes thead th { position: static; }
  .lanes tr, .violation { break-inside: avoid; }
}
""".strip()
