"""How the verdict page looks, beyond what all pages share."""

__all__ = ["STYLE"]

STYLE = """
main { max-width: 68rem; }
body { line-height: 1.55; }
a { color: var(--focus); text-underline-offset: .15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: .2rem; }
section { margin-top: 3rem; }
h2 { margin: 0 0 1rem; font-size: 1.25rem; letter-spacing: -.01em; scroll-margin-top: 1rem; }
h3 { margin: 1.75rem 0 .4rem; font-size: 1.05rem; overflow-wrap: anywhere; }
code { font-size: .9em; overflow-wrap: anywhere; }
summary { cursor: pointer; }
.aside { margin-left: .4rem; color: var(--quiet); font-size: .85rem; font-weight: 400; letter-spacing: 0; }
.lead { margin: 0 0 1rem; color: var(--quiet); overflow-wrap: anywhere; }
.note { margin: .75rem 0; color: var(--quiet); font-size: .9rem; overflow-wrap: anywhere; }
.chip {
  display: inline-block; padding: .05rem .5rem; border: 1px solid var(--rule); border-radius: 1rem;
  color: var(--quiet); font-size: .78rem; overflow-wrap: anywhere;
}
.chip.warn { border-color: currentColor; color: var(--doubt); }

.verdict {
  padding: 1.75rem 2rem 1.6rem; background: var(--card); border: 1px solid var(--rule); border-radius: .9rem;
  border-top: .4rem solid currentColor;
}
.verdict .kind { margin: 0; color: var(--quiet); font-size: .85rem; }
.verdict .kind span { margin-left: .5rem; font-variant-numeric: tabular-nums; }
.verdict h1 {
  display: flex; flex-wrap: wrap; align-items: center; gap: 0 .8rem; margin: .5rem 0 .25rem;
  font-size: clamp(2rem, 7vw, 3.1rem); line-height: 1.15; font-weight: 750; letter-spacing: -.025em;
}
.verdict .sign {
  display: inline-flex; align-items: center; justify-content: center; width: 1.15em; height: 1.15em;
  border-radius: 50%; background: var(--tone); color: var(--card); font-size: .82em; letter-spacing: 0;
}
.verdict.PASS { --tone: var(--pass); } .verdict.FAIL { --tone: var(--fail); }
.verdict.INCONCLUSIVE { --tone: var(--doubt); }
.verdict .waived { margin-left: -.6rem; color: var(--doubt); font-weight: 500; }
.verdict .sentence { margin: 0; color: var(--ink); font-size: 1.1rem; }
.facts { gap: .9rem 2.5rem; margin: 1.4rem 0 0; font-variant-numeric: tabular-nums; color: var(--ink); }
.facts dd { font-weight: 500; }

nav { margin: 1.25rem 0 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.4rem; margin: 0; padding: 0; list-style: none; }
nav a { color: var(--quiet); font-size: .92rem; text-decoration: none; }
nav a:hover { color: var(--focus); text-decoration: underline; }

.reasons { display: grid; gap: 1rem; margin: 0; padding: 0; list-style: none; }
.reasons + .fold, .fold .reasons { margin-top: 1rem; }
.reasons > li {
  min-width: 0; padding: 1.1rem 1.4rem; background: var(--card); border: 1px solid var(--rule);
  border-left: .35rem solid var(--doubt); border-radius: .7rem;
}
.reasons > li.fail { border-left-color: var(--fail); }
.reasons .message { margin: 0 0 .6rem; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
.seen { display: flex; flex-wrap: wrap; gap: .4rem 2.5rem; margin: 0; }
.seen div { min-width: 0; max-width: 100%; }
.seen dt, .facts dt, .repeat dt { color: var(--quiet); font-size: .82rem; }
.seen dd { margin: 0; overflow-wrap: anywhere; }
.place { margin: .7rem 0 0; font-size: .9rem; overflow-wrap: anywhere; }
.place .chip { margin-right: .5rem; }
.do { display: grid; grid-template-columns: 3.2rem minmax(0, 1fr); align-items: center; margin-top: .5rem; }
.do > span, p.do { color: var(--quiet); font-size: .85rem; }
p.do { display: block; margin: 1rem 0 .3rem; }

.command {
  position: relative; min-width: 0; padding: .5rem .8rem; background: var(--page); border-radius: .45rem;
  font-size: .86rem; line-height: 1.5;
}
.command.copies { padding-right: 4.6rem; }
.copy {
  position: absolute; top: .4rem; right: .4rem; padding: .1rem .55rem; border: 1px solid var(--rule);
  border-radius: .35rem; background: var(--card); color: var(--quiet); font: .78rem/1.5 inherit;
  font-family: system-ui, sans-serif; cursor: pointer;
}
.copy:hover, .copy:focus-visible { color: var(--ink); border-color: var(--quiet); }

.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .6rem 1.2rem; margin: 0 0 .8rem; }
.tools[hidden] { display: none; }
.find { display: flex; align-items: center; gap: .5rem; color: var(--quiet); font-size: .9rem; }
.find input {
  width: 13rem; max-width: 100%; padding: .35rem .7rem; border: 1px solid var(--quiet); border-radius: .45rem;
  background: var(--card); color: var(--ink); font: inherit;
}
.tools fieldset[hidden] { display: none; }
.tools fieldset { margin: 0; padding: 0; border: 0; }
.tools fieldset:not([hidden]) { display: flex; flex-wrap: wrap; gap: .35rem; }
.choice { position: relative; }
.choice input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
.choice span {
  display: block; padding: .2rem .75rem; border: 1px solid var(--rule); border-radius: 1rem;
  background: var(--card); color: var(--quiet); font-size: .85rem;
}
.choice b { font-weight: 600; font-variant-numeric: tabular-nums; }
.choice input:checked + span { border-color: var(--ink); color: var(--ink); }
.choice input:focus-visible + span { outline: 3px solid var(--focus); outline-offset: 2px; }
.tools output { color: var(--quiet); font-size: .85rem; }

.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--rule); border-radius: .7rem; }
.checks { width: 100%; border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
.checks th, .checks td { padding: .6rem .7rem; text-align: left; vertical-align: top; }
.checks th:first-child, .checks td:first-child { padding-left: 1.2rem; }
.checks th:last-child, .checks td:last-child { padding-right: 1.2rem; }
.checks thead th { color: var(--quiet); font-size: .8rem; font-weight: 400; white-space: nowrap; }
.checks tbody { border-top: 1px solid var(--rule); }
.checks tbody[hidden] { display: none; }
.checks tbody th { font-weight: 600; min-width: 9rem; }
.checks th.time, .checks td.time { text-align: right; white-space: nowrap; }
.checks td.history { padding-top: .7rem; }
.checks td.evidence a { margin-right: .5rem; white-space: nowrap; }
.checks th details { display: inline-block; margin-right: .5rem; }
.checks th .chip { margin: 0 .3rem .1rem 0; font-weight: 400; }
.quiet { color: var(--quiet); }
.checks th summary { overflow-wrap: anywhere; }
.checks .more { display: none; }
.checks tbody:has(> tr > th details[open]) .more { display: table-row; }
@supports not selector(:has(*)) { .checks .more { display: table-row; } }
.sort {
  padding: 0; border: 0; background: none; color: inherit; font: inherit; cursor: pointer;
}
.sort::after { content: "↕"; margin-left: .35rem; opacity: .45; }
[aria-sort="ascending"] .sort::after { content: "↑"; opacity: 1; }
[aria-sort="descending"] .sort::after { content: "↓"; opacity: 1; }
.state { font-weight: 600; white-space: nowrap; }
.state.pass { color: var(--pass); } .state.fail { color: var(--fail); }
.state.warn, .state.doubt { color: var(--doubt); }
.details {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: .5rem 2.5rem;
  padding: 0 0 .8rem; font-size: .88rem;
}
.details > div { min-width: 0; }
.details h3 { margin: .4rem 0 .2rem; color: var(--quiet); font-size: .8rem; font-weight: 400; }
.details ul, .details ol { margin: 0; padding: 0 0 0 1.1rem; overflow-wrap: anywhere; }
.details li { margin: .15rem 0; }
.details .files { padding: 0; list-style: none; }
.details dl { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem 1rem; margin: 0; }
.details dt { overflow-wrap: anywhere; }
.details dd { margin: 0; text-align: right; }

.waivers, .gaps ul { display: grid; gap: .75rem; margin: 0; padding: 0; list-style: none; }
.waivers li {
  padding: .8rem 1.2rem; background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  border-left: .35rem solid var(--quiet); overflow-wrap: anywhere;
}
.waivers li.warn { border-left-color: var(--doubt); } .waivers li.fail { border-left-color: var(--fail); }
.waivers p { margin: 0 0 .3rem; }
.waivers .chip { margin-left: .4rem; }
.waivers dl { display: flex; flex-wrap: wrap; gap: .2rem 1.5rem; margin: 0; font-size: .88rem; }
.waivers dt { display: none; } .waivers dd { margin: 0; color: var(--quiet); }
.gaps .fold { margin-top: .75rem; }
.gaps li {
  padding-left: 1.4rem; background: linear-gradient(var(--quiet), var(--quiet)) 0 .8em / .7rem 1px no-repeat;
  overflow-wrap: anywhere;
}
.gaps .command { max-width: 34rem; margin-top: .4rem; }

.race, .load { margin-top: 1.5rem; }
.fold > summary { margin: .75rem 0; color: var(--quiet); font-size: .92rem; }
.promises, .trends {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 100%), 1fr)); gap: .8rem;
  margin: 0 0 1rem; padding: 0; list-style: none;
}
.promises li, .trends li {
  display: flex; flex-direction: column; min-width: 0; padding: .8rem 1.1rem; background: var(--card);
  border: 1px solid var(--rule); border-radius: .6rem;
}
.promises .what, .trends .what { color: var(--quiet); font-size: .85rem; overflow-wrap: anywhere; }
.promises .seen, .trends .seen {
  display: block; font-size: 1.35rem; font-weight: 650; font-variant-numeric: tabular-nums;
  letter-spacing: -.01em;
}
.promises .held, .trends .held { font-size: .85rem; font-variant-numeric: tabular-nums; color: var(--quiet); }
.promises .pass .held { color: var(--pass); } .promises .fail .held { color: var(--fail); }
.promises .doubt .held { color: var(--doubt); }
.promises .why { color: var(--quiet); font-size: .82rem; }
.trends .plot { margin: .3rem 0; }
.plots { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; }
figure {
  min-width: 0; margin: 0; padding: 1rem 1.2rem; background: var(--card); border: 1px solid var(--rule);
  border-radius: .7rem;
}
figcaption { margin-bottom: .5rem; }
figcaption span { margin-left: .4rem; color: var(--quiet); font-size: .88rem; }
.on-phone { display: none; }

.packages { columns: 14rem; margin: 0; padding: 0; list-style: none; font-size: .85rem; }
.packages span { color: var(--quiet); }
.repeat { display: grid; gap: .3rem; margin: 0; max-width: 44rem; }
.repeat dd { margin: 0 0 .7rem; }

@media (max-width: 44rem) {
  section { margin-top: 2.25rem; }
  .verdict { padding: 1.25rem 1.1rem; }
  .facts { gap: .7rem 1.6rem; }
  .reasons > li { padding: .9rem 1rem; }
  .do { grid-template-columns: minmax(0, 1fr); }
  .on-screen { display: none; } .on-phone { display: block; }
  figure { padding: .8rem .4rem; } figcaption { padding: 0 .5rem; }
  .plot { margin: 0 auto; }
  .trends .plot { margin: .3rem 0; }
  .find, .find input { width: 100%; }
  .scroll { overflow-x: visible; background: none; border: 0; }
  .checks, .checks tbody, .checks tr, .checks th, .checks td { display: block; min-width: 0; }
  .checks thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .checks tbody {
    margin: 0 0 .7rem; padding: .7rem 1rem; background: var(--card); border: 1px solid var(--rule);
    border-radius: .6rem;
  }
  .checks tbody tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .1rem 1rem; }
  .checks th, .checks td, .checks th:first-child, .checks td:first-child, .checks td:last-child {
    padding: .1rem 0;
  }
  .checks tbody th { order: -1; }
  .checks td.measured, .checks td.evidence { grid-column: 1 / -1; }
  .checks td.history { padding: .2rem 0 0; }
  .checks td.history .plot { margin: 0; }
  .checks td.state { text-align: right; }
  .promises, .trends { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: .6rem; }
  .promises li, .trends li { padding: .7rem .8rem; }
  .promises .seen, .trends .seen { font-size: 1.15rem; }
  .checks td:empty { display: none; }
  .checks td.time { order: 1; }
  .checks td.measured { order: 2; color: var(--quiet); } .checks td.evidence { order: 3; }
  .checks .more td { grid-column: 1 / -1; }
  .checks tbody .more { display: none; }
  .checks tbody:has(> tr > th details[open]) .more { display: grid; }
  @supports not selector(:has(*)) { .checks tbody .more { display: grid; } }
}
@media print {
  @page { size: A4 portrait; }
  html { font-size: 9.5pt; }
  body { font-size: 1rem; }
  main { max-width: none; }
  nav, .tools, .copy, noscript { display: none !important; }
  section { margin-top: 1.4rem; }
  .command.copies { padding-right: .8rem; }
  .verdict { padding: 1rem 1.2rem; }
  .reasons > li, .promises li, .trends li, .waivers li, .gaps .fold { margin-top: .75rem; }
.gaps li { break-inside: avoid; }
  figure, .checks tbody { break-inside: avoid; }
  .scroll { overflow: visible; }
  details:not([open]).fold { display: none; }
  .sort::after { content: ""; }
  /* A heading that is repeated on every sheet would lose its buttons. */
  .checks thead { display: table-row-group; }
  .on-screen { display: block; } .on-phone { display: none; }
  a { color: inherit; text-decoration: none; }
}
""".strip()
