#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws bench/results/peers.json with gnuplot: for each work, how many times as fast vconv is
as each peer."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = """
set terminal svg size 900,{height} font 'sans,13' background 'white'
set output '{output}'
set style fill solid 0.85 noborder
set boxwidth 0.8
set xrange [0:*]
set yrange [-0.7:{rows}]
set ytics ({labels}) scale 0
set grid xtics
set xlabel 'times as fast as the peer (median of {runs} runs; {cores} cores, {size} disk)'
unset key
set arrow from 1, graph 0 to 1, graph 1 nohead lw 2 lc rgb '#555555'
plot '-' using (0):1:(0):2:($1-0.4):($1+0.4) with boxxyerror lc rgb '#3070b0', \\
     '-' using 2:1:3 with labels left offset 0.5,0
"""


def main():
    with open(os.path.join(HERE, "results", "peers.json"), encoding="utf-8") as file:
        results = json.load(file)
    bars = [(f"{row['work']}: {peer['name']}", peer["times_as_fast"])
            for row in results["rows"] for peer in row["against"]][::-1]
    if not bars:
        sys.exit("plot: no row has a peer")
    output = os.path.join(os.path.dirname(HERE), "docs", "performance.svg")
    labels = ", ".join(f"'{name}' {i}" for i, (name, _) in enumerate(bars))
    data = "".join(f"{i} {ratio}\n" for i, (_, ratio) in enumerate(bars)) + "e\n"
    text = "".join(f"{i} {ratio} {ratio:.2f}\n" for i, (_, ratio) in enumerate(bars)) + "e\n"
    script = SCRIPT.format(height=120 + 24 * len(bars), output=output, rows=len(bars) - 0.3,
                           labels=labels, runs=results["runs"], size=results["size"],
                           cores=results["machine"]["cores"])
    subprocess.run(["gnuplot"], input=(script + data + text).encode(), check=True)


if __name__ == "__main__":
    main()
