"""How plots look: one set of colours in light and in dark, told apart by the colour-blind too.

The hues are those of Okabe and Ito (blue, vermillion, reddish purple), darkened or lightened until each has a
contrast of at least 3 to its ground (WCAG 2.2, 1.4.11), text of at least 4.5 (1.4.3).
"""

__all__ = ["STYLE"]

STYLE = """
.plot {
  --plot-ground: #ffffff; --plot-ink: #1a2029; --plot-quiet: #586271; --plot-grid: #e3e7ed;
  --plot-a: #0068a8; --plot-b: #c14e00; --plot-c: #a2437f;
  --plot-pass: #1b6e3c; --plot-fail: #b3261e; --plot-doubt: #7a5200; --plot-shade: #e9ecf1;
  display: block; max-width: 100%; height: auto; color: var(--plot-ink); overflow: visible;
}
@media (prefers-color-scheme: dark) {
  .plot {
    --plot-ground: #1a2029; --plot-ink: #e6eaf0; --plot-quiet: #9ba6b5; --plot-grid: #2b3340;
    --plot-a: #6cb8f0; --plot-b: #f08c4a; --plot-c: #e39ac8;
    --plot-pass: #7fd6a0; --plot-fail: #ff8f86; --plot-doubt: #f4c45b; --plot-shade: #262e3a;
  }
}
@media print {
  .plot {
    --plot-ground: #ffffff; --plot-ink: #000000; --plot-quiet: #444444; --plot-grid: #d5d9df;
    --plot-a: #0068a8; --plot-b: #c14e00; --plot-c: #a2437f;
    --plot-pass: #1b6e3c; --plot-fail: #a01008; --plot-doubt: #6b4600; --plot-shade: #e9ecf1;
    print-color-adjust: exact; -webkit-print-color-adjust: exact;
  }
}
.plot text {
  fill: currentColor; font: 13px/1 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
.plot path, .plot line { fill: none; stroke: currentColor; stroke-linecap: round; stroke-linejoin: round; }
.plot .quiet { fill: var(--plot-quiet); }
.plot .pass { fill: var(--plot-pass); } .plot .fail { fill: var(--plot-fail); }
.plot .doubt { fill: var(--plot-doubt); } .plot .text-a { fill: var(--plot-a); }
.plot .haloed {
  paint-order: stroke; stroke: var(--plot-ground); stroke-width: 4px; stroke-linejoin: round;
  font-weight: 600;
}
.plot .grid { stroke: var(--plot-grid); } .plot .axis { stroke: var(--plot-quiet); }
.plot .stroke-a { stroke: var(--plot-a); } .plot .stroke-b { stroke: var(--plot-b); }
.plot .stroke-c { stroke: var(--plot-c); } .plot .stroke-ink { stroke: currentColor; }
.plot .stroke-quiet { stroke: var(--plot-quiet); } .plot .stroke-pass { stroke: var(--plot-pass); }
.plot .stroke-fail { stroke: var(--plot-fail); } .plot .stroke-doubt { stroke: var(--plot-doubt); }
.plot .bold { stroke-width: 2px; } .plot .dashed { stroke-width: 1.5px; stroke-dasharray: 7 5; }
.plot .dot { stroke-width: 5.5px; } .plot .ring { stroke-width: 1.5px; fill: var(--plot-ground); }
.plot .diamond { stroke-width: 1.4px; } .plot .dash { stroke-width: 1.6px; }
.plot .cross, .plot .check, .plot .question { stroke-width: 3px; }
.plot .cross.small { stroke-width: 1.6px; }
.plot .unjudged { fill: var(--plot-shade); }
.plot .stall { fill: var(--plot-fail); fill-opacity: .14; } .plot .stall-bar { fill: var(--plot-fail); }
.plot .ended-pass { fill: var(--plot-pass); fill-opacity: .55; }
.plot .ended-warn { fill: var(--plot-doubt); fill-opacity: .55; }
.plot .ended-doubt { fill: var(--plot-doubt); } .plot .ended-fail { fill: var(--plot-fail); }
.plot .band { fill: var(--plot-a); fill-opacity: .18; }
""".strip()
