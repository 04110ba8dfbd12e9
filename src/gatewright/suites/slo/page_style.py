"""How the page of an SLO report looks, beyond what all pages and plots share."""

__all__ = ["STYLE"]

STYLE = """
main { max-width: 66rem; }
h2 { margin-top: 2.5rem; font-size: 1.3rem; overflow-wrap: anywhere; }
h3 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
.sign { display: inline-block; margin-right: .4em; font-weight: 700; }
.verdict {
  margin: 1rem 0; padding: .9rem 1.1rem; border: 1px solid var(--rule); border-left-width: .4rem;
  border-radius: .5rem; background: var(--card);
}
.verdict .word { font-size: 1.35rem; font-weight: 700; }
.verdict.FAIL { background: var(--fail-soft); border-color: var(--fail); }
.verdict.PASS { background: var(--pass-soft); border-color: var(--pass); }
.verdict.INCONCLUSIVE { background: var(--doubt-soft); border-color: var(--doubt); }
.verdict ul { margin: .4rem 0 0; padding: 0 0 0 1.2rem; color: var(--ink); overflow-wrap: anywhere; }
.verdict li + li { margin-top: .2rem; }
h2 .badge {
  margin-left: .6rem; padding: .15rem .6rem; border: 1px solid currentColor; border-radius: 1rem;
  font-size: .8rem; vertical-align: .2em; white-space: nowrap;
}
.lead { margin: 0 0 1rem; color: var(--quiet); overflow-wrap: anywhere; }
.scroll {
  margin: 1rem 0; overflow-x: auto; background: var(--card); border: 1px solid var(--rule);
  border-radius: .6rem;
}
.scroll:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th:first-child { padding-left: 1rem; } th:last-child, td:last-child { padding-right: 1rem; }
caption { padding: .7rem 1rem .2rem; text-align: left; font-weight: 600; }
th, td { padding: .45rem .6rem; text-align: left; vertical-align: top; }
thead th { color: var(--quiet); font-size: .8rem; font-weight: 400; white-space: nowrap; }
tbody tr { border-top: 1px solid var(--rule); }
tbody th { font-weight: 600; overflow-wrap: anywhere; min-width: 10rem; }
.figure { text-align: right; white-space: nowrap; }
td.why { color: var(--quiet); min-width: 11rem; }
td.FAIL, td.PASS, td.INCONCLUSIVE { font-weight: 700; white-space: nowrap; }
.plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; margin: 1rem 0; }
figure {
  min-width: 0; margin: 0; padding: .75rem 1rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: .6rem;
}
figure.wide { grid-column: 1 / -1; }
figcaption { margin-bottom: .4rem; }
figcaption b { display: block; }
figcaption span { color: var(--quiet); font-size: .85rem; }
.on-phone { display: none; }
.measured { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
.card {
  padding: .75rem 1rem; background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
}
.card h3 { margin: 0 0 .4rem; }
.card dl { display: grid; grid-template-columns: 1fr auto; gap: .15rem 1rem; margin: 0; font-size: .9rem; }
.card dt { color: var(--quiet); }
.card dd { margin: 0; text-align: right; font-variant-numeric: tabular-nums; }
.card .kept { color: var(--pass); font-weight: 600; } .card .lost { color: var(--fail); font-weight: 600; }
.remarks { margin: 1rem 0 0; padding: 0 0 0 1.2rem; overflow-wrap: anywhere; }
@media (max-width: 60rem) {
  .plots { grid-template-columns: minmax(0, 1fr); }
  table { font-size: .8rem; } th, td { padding: .35rem .4rem; } tbody th, td.why { min-width: 7rem; }
}
@media (max-width: 44rem) {
  .on-screen { display: none; } .on-phone { display: block; }
  figure { padding: .6rem .4rem; } figcaption { padding: 0 .5rem; }
  .plot { margin: 0 auto; }
  .scroll { overflow-x: visible; }
  table, caption, tbody, tr, th, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { padding: .5rem 1rem; }
  tbody th, th:first-child { padding: 0 0 .2rem; }
  td {
    display: flex; justify-content: space-between; gap: 1rem; text-align: right;
    white-space: normal;
  }
  td, td:last-child { padding: .1rem 0; }
  td::before { content: attr(data-name); color: var(--quiet); font-weight: 400; text-align: left; }
  td.why { display: block; text-align: left; } td.why::before { content: ""; }
  td:empty, td.why:empty { display: none; }
}
@media print {
  .plots { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  h3 { break-after: avoid; }
  .scroll { overflow: visible; }
  section, figure, tr, .card, .verdict { break-inside: avoid; }
  section.scenario { break-inside: auto; }
}
""".strip()
