package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"

	"roagent/agent/supervisor"
	"roagent/upload"
	"roagent/upload/unusual"
)

// progress tells a person, or the log, how far a pull is.
type progress interface {
	// begin starts a week of about this many orders.
	begin(week string, orders int)
	// page counts orders looked at.
	page(orders int)
	// end ends the week: finished, or stopped.
	end(finished bool)
	// unusual says what looks wrong in a week that was read, before anything of it is sent.
	unusual(week string, found []unusual.Finding)
	// sending says that what is queued is sent now.
	sending()
}

// newProgress returns a bar on a terminal, and log lines elsewhere.
func newProgress(w io.Writer, log *slog.Logger) progress {
	if onTerminal(w) {
		return &barProgress{w: w}
	}
	return &logProgress{log: log}
}

// barProgress draws a bar with orders, rate and time left.
type barProgress struct {
	w   io.Writer
	bar *progressbar.ProgressBar
}

func (p *barProgress) begin(week string, orders int) {
	p.bar = progressbar.NewOptions(orders,
		progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription(week), progressbar.OptionSetItsString("orders"),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(30), progressbar.OptionFullWidth(),
		progressbar.OptionSetRenderBlankState(true))
}

func (p *barProgress) page(orders int) { _ = p.bar.Add(orders) }

func (p *barProgress) end(finished bool) {
	if finished {
		_ = p.bar.Finish()
	}
	fmt.Fprintln(p.w)
}

func (p *barProgress) unusual(week string, found []unusual.Finding) { printFindings(p.w, week, found) }

func (p *barProgress) sending() {}

// logProgress writes a line a week, and one now and then in a long one.
type logProgress struct {
	log    *slog.Logger
	pulse  *supervisor.Pulse  // nil: nobody watches
	step   func(state string) // nil: nobody is told what the run is at
	week   string
	total  int
	done   int
	start  time.Time
	logged time.Time
}

const logEvery = 30 * time.Second

func (p *logProgress) begin(week string, orders int) {
	p.week, p.total, p.done, p.start = week, orders, 0, time.Now()
	p.logged = p.start
	p.tell(upload.StatePulling)
	p.log.Info("reading week", "week", week, "orders", orders)
}

func (p *logProgress) page(orders int) {
	p.done += orders
	p.pulse.Beat()
	if time.Since(p.logged) < logEvery {
		return
	}
	p.logged = time.Now()
	rate := float64(p.done) / time.Since(p.start).Seconds()
	left := time.Duration(float64(max(0, p.total-p.done)) / max(rate, 1) * float64(time.Second))
	p.log.Info("reading", "week", p.week, "orders", p.done, "of", p.total, "orders_per_second", int(rate), "left", left.Round(time.Second).String())
}

func (p *logProgress) unusual(week string, found []unusual.Finding) {
	for _, f := range found {
		p.log.Warn("week looks unusual", "week", week, "finding", f.String())
	}
}

func (p *logProgress) sending() { p.tell(upload.StateSending) }

func (p *logProgress) tell(state string) {
	if p.step != nil {
		p.step(state)
	}
}

func (p *logProgress) end(finished bool) {
	p.tell(upload.StatePulling)
	if !finished {
		p.log.Warn("week not finished", "week", p.week, "orders", p.done)
		return
	}
	p.log.Info("week read", "week", p.week, "orders", p.done, "took", time.Since(p.start).Round(time.Millisecond).String())
}
