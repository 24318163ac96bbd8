package main

import (
	"fmt"
	"html"
	"strings"
	"time"
)

// fleetFigures are what the gate before the collector saw, by the minute since Monday 00:00 UTC.
type fleetFigures struct {
	name    string
	agents  int
	rate    float64 // requests a minute that the collector takes
	back    int     // the minute in which it is back
	minutes []fleetMinute
	closed  int // weeks
	orders  int // at the collector, once
	lost    int
	doubled int
}

// fleetMinute counts requests, and weeks that were closed.
type fleetMinute struct{ arrived, away, taken, refused, closed int }

// backlog returns the minutes in which the backlog is worked off: from the one in which the collector is back to the one
// in which 99 % of all weeks are closed.
func (g *fleetFigures) backlog() []fleetMinute {
	closed := 0
	for i, m := range g.minutes {
		closed += m.closed
		if i >= g.back && closed*100 >= g.agents*99 {
			return g.minutes[g.back : i+1]
		}
	}
	return g.minutes[min(g.back, len(g.minutes)):]
}

// load returns the busiest minute's requests, and the mean of all minutes in which the backlog is worked off.
func (g *fleetFigures) load() (peak int, mean float64) {
	sum, minutes := 0, g.backlog()
	for _, m := range minutes {
		peak, sum = max(peak, m.arrived), sum+m.arrived
	}
	return peak, float64(sum) / float64(max(1, len(minutes)))
}

// ratio is the busiest minute over the mean one.
func (g *fleetFigures) ratio() float64 {
	peak, mean := g.load()
	return float64(peak) / max(1, mean)
}

// last returns how long after the collector's return the last week was closed.
func (g *fleetFigures) last() time.Duration {
	last := g.back
	for i, m := range g.minutes {
		if m.closed > 0 {
			last = i
		}
	}
	return time.Duration(last-g.back+1) * time.Minute
}

func (g *fleetFigures) clock(minute int) string {
	return fmt.Sprintf("%02d:%02d", minute/60, minute%60)
}

// String tells the figures in words.
func (g *fleetFigures) String() string {
	var taken, refused, away int
	for _, m := range g.minutes {
		taken, refused, away = taken+m.taken, refused+m.refused, away+m.away
	}
	peak, mean := g.load()
	var b strings.Builder
	fmt.Fprintf(&b, "%d agents, %s (%s UTC); the collector takes %.0f requests a minute\n", g.agents, g.name, g.clock(g.back), g.rate)
	fmt.Fprintf(&b, "99 %% of the weeks closed after %d minutes, all %d after %s\n", len(g.backlog()), g.closed, g.last())
	fmt.Fprintf(&b, "arrivals meanwhile: busiest minute %d, mean %.1f, peak/mean %.2f, peak/rate %.2f\n", peak, mean, g.ratio(), float64(peak)/g.rate)
	fmt.Fprintf(&b, "requests: %d in vain while it was away, %d taken, %d answered 429\n", away, taken, refused)
	fmt.Fprintf(&b, "orders at the collector %d, lost %d, doubled %d\n", g.orders, g.lost, g.doubled)
	return b.String()
}

const fleetPageHead = `<!doctype html><html lang="en"><meta charset="utf-8"><title>A fleet after an outage</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2em auto;padding:0 1em}pre{background:#f4f4f4;padding:1em}
svg{width:100%;height:auto}text{font:11px system-ui,sans-serif}</style>
<h1>A fleet after an outage</h1>
<p>Requests that reach the collector in each minute, on one Monday in simulated time (UTC). Grey: in vain, while the collector
was away. Green: taken. Red: answered 429 with Retry-After. Black line: weeks closed, of all. Dashed: the mean and twice the mean
of the minutes between the collector's return and the one in which 99 % of the weeks are closed.</p>
`

// fleetPage is the report: one page that needs nothing else.
func fleetPage(runs []*fleetFigures) string {
	var b strings.Builder
	b.WriteString(fleetPageHead)
	for _, g := range runs {
		fmt.Fprintf(&b, "<h2>%d agents, %s</h2>\n%s<pre>%s</pre>\n", g.agents, html.EscapeString(g.name), g.plot(), html.EscapeString(g.String()))
	}
	return b.String()
}

// The plot's size in its own units.
const (
	plotWidth, plotHeight = 960, 320
	plotLeft, plotBottom  = 50, 24
)

// plot is an SVG of the minutes from an hour before the first request on.
func (g *fleetFigures) plot() string {
	p := fleetPlot{figures: g}
	for p.first < len(g.minutes)-1 && g.minutes[p.first].arrived == 0 {
		p.first++
	}
	for _, m := range g.minutes {
		p.most = max(p.most, m.arrived)
	}
	_, mean := g.load()
	p.most = max(1, p.most, int(2.2*mean))
	fmt.Fprintf(&p.svg, `<svg viewBox="0 0 %d %d" role="img" aria-label="requests a minute">`, plotWidth, plotHeight)
	p.bars()
	p.level(mean, "mean")
	p.level(2*mean, "2 × mean")
	p.closed()
	p.hours()
	p.svg.WriteString("</svg>\n")
	return p.svg.String()
}

type fleetPlot struct {
	figures *fleetFigures
	first   int // minute
	most    int // requests
	svg     strings.Builder
}

func (p *fleetPlot) x(minute int) float64 {
	return plotLeft + float64(minute-p.first)*(plotWidth-plotLeft)/float64(len(p.figures.minutes)-p.first)
}

func (p *fleetPlot) y(part float64) float64 { return (plotHeight - plotBottom) * (1 - part) }

func (p *fleetPlot) bars() {
	width := p.x(p.first+1) - p.x(p.first)
	for i, m := range p.figures.minutes {
		from := 0
		for _, part := range []struct {
			n     int
			color string
		}{{m.away, "#bbb"}, {m.taken, "#3a3"}, {m.refused, "#d43"}} {
			if part.n == 0 {
				continue
			}
			top := p.y(float64(from+part.n) / float64(p.most))
			fmt.Fprintf(&p.svg, `<rect x="%.2f" y="%.1f" width="%.2f" height="%.1f" fill="%s"/>`,
				p.x(i), top, width, p.y(float64(from)/float64(p.most))-top, part.color)
			from += part.n
		}
	}
}

// level is a dashed line over the minutes in which the backlog is worked off.
func (p *fleetPlot) level(requests float64, name string) {
	y, back := p.y(requests/float64(p.most)), p.figures.back
	fmt.Fprintf(&p.svg, `<path d="M%.1f %.1fH%.1f" stroke="#06c" stroke-dasharray="4 3"/><text x="%d" y="%.1f">%s %.0f</text>`,
		p.x(back), y, p.x(back+len(p.figures.backlog())), 0, y, name, requests)
}

func (p *fleetPlot) closed() {
	p.svg.WriteString(`<polyline fill="none" stroke="#000" stroke-width="1.5" points="`)
	closed := 0
	for i, m := range p.figures.minutes {
		if closed += m.closed; i >= p.first {
			fmt.Fprintf(&p.svg, "%.1f,%.1f ", p.x(i), p.y(float64(closed)/float64(p.figures.agents)))
		}
	}
	p.svg.WriteString(`"/>`)
}

func (p *fleetPlot) hours() {
	for i := range p.figures.minutes {
		if i%60 == 0 && i >= p.first {
			fmt.Fprintf(&p.svg, `<text x="%.1f" y="%d">%s</text>`, p.x(i), plotHeight-6, p.figures.clock(i))
		}
	}
}
