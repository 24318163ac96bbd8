package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/dustin/go-humanize"

	"roagent/fieldmap"
	"roagent/upload"
	"roagent/upload/unusual"
)

type statusCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// status is what the status command tells.
type status struct {
	Dealer    string                       `json:"dealer"`
	Collector string                       `json:"collector"`
	Digest    string                       `json:"fieldmap_digest"`
	Approved  bool                         `json:"approved"`       // this very digest
	State     string                       `json:"approval_state"` // approved, narrowed, changed, unapproved, left
	Left      *upload.Departure            `json:"left,omitempty"` // the store has left, or has begun to
	NextRun   time.Time                    `json:"next_run"`
	Weeks     []upload.WeekStatus          `json:"weeks"`
	Pending   upload.PendingStatus         `json:"pending"`
	Full      bool                         `json:"queue_full"` // a reading pauses until the collector has taken some
	Delayed   int                          `json:"delayed"`    // lines that wait for the time of queue.hold
	Until     time.Time                    `json:"delayed_until,omitzero"`
	Parked    int                          `json:"parked"`
	Awaits    bool                         `json:"awaits_collector"`  // the queue was rebuilt and must learn first what the collector holds
	Aside     []string                     `json:"set_aside"`         // files of damaged queues
	Unusual   map[string][]unusual.Finding `json:"unusual,omitempty"` // by week: what looks wrong against the weeks before
	approval  string
}

func (c statusCommand) Run(p *program) error {
	s, err := p.openSite()
	if err != nil {
		return err
	}
	defer s.close()
	st, err := s.status(s.now())
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.stdout, st)
	}
	return st.print(p)
}

func (s *site) status(now time.Time) (*status, error) {
	st := &status{Dealer: s.config.Dealer.ID, Collector: s.config.Collector.URL, Digest: s.plan.Digest.String()}
	consent, err := s.consent()
	if err != nil {
		return nil, err
	}
	st.Approved, st.State, st.approval = consent.exact(), consent.state(), consent.String()
	if consent.left != nil {
		st.Left = &consent.left.Departure
	}
	if st.Weeks, err = s.queue.Weeks(); err != nil {
		return nil, err
	}
	if st.Pending, err = s.queue.Pending(); err != nil {
		return nil, err
	}
	batches, err := s.queue.Waiting()
	if err != nil {
		return nil, err
	}
	st.Full = st.Pending.Bytes > s.config.Queue.MaxSize/10*9 && len(stoppedWeeks(st.Weeks)) > 0
	st.Delayed, st.Until = delayed(batches, now)
	if st.Awaits, err = s.queue.Awaits(); err != nil {
		return nil, err
	}
	if st.Aside, err = s.queue.Aside(); err != nil {
		return nil, err
	}
	for _, w := range st.Weeks {
		st.Parked += w.Parked
	}
	profiles, err := s.queue.Profiles()
	if err != nil {
		return nil, err
	}
	st.Unusual = unusual.Weeks(profiles)
	schedule, err := s.schedule()
	if err != nil {
		return nil, err
	}
	st.NextRun, err = schedule.Next(now)
	return st, err
}

// asideHint is what to do about a damaged queue that was set aside.
const asideHint = "Have the disk looked at. The file can be deleted then, unless 'roagent ledger verify' says that entries are lost, which it may still hold"

// weeksShown is how many weeks a person sees; --json has all.
const weeksShown = 12

func (st *status) print(p *program) error {
	if st.Left != nil {
		fmt.Fprintf(p.stdout, "%s\n\n", (&upload.LeftError{Departure: *st.Left}).Error())
	}
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "dealer\t%s\ncollector\t%s\nwhitelist\t%.12s…, approved %s\nnext run\t%s\n", st.Dealer, st.Collector, st.Digest, st.approval, st.nextRun())
	if err := t.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	if st.Awaits {
		fmt.Fprintln(p.stdout, "\nthe queue was rebuilt: nothing is read or sent before the collector has told what it holds; 'roagent pull' asks it")
	}
	for _, path := range st.Aside {
		fmt.Fprintf(p.stdout, "\nset aside, since it was damaged: %s. %s\n", path, asideHint)
	}
	if len(st.Weeks) > 0 {
		if err := st.printWeeks(p); err != nil {
			return fmt.Errorf("print the status: %w", err)
		}
	} else if st.Left == nil {
		fmt.Fprintln(p.stdout, "\nno week was read yet: 'roagent pull' reads the latest")
	}
	for _, w := range st.Weeks[max(0, len(st.Weeks)-weeksShown):] {
		printFindings(p.stdout, w.Week, st.Unusual[w.Week])
	}
	if st.Pending.Batches > 0 {
		fmt.Fprintf(p.stdout, "\nwaiting to be sent: %s with %s (%s), the oldest since %s\n", plural(st.Pending.Batches, "batch"),
			plural(st.Pending.Orders, "line"), humanize.Bytes(uint64(st.Pending.Bytes)), st.Pending.Oldest.Local().Format(time.DateTime))
	}
	if st.Full {
		fmt.Fprintln(p.stdout, "\nthe queue is full: reading pauses, and goes on by itself once the collector has taken some; if that lasts, raise queue.max_size")
	}
	if st.Delayed > 0 {
		fmt.Fprintf(p.stdout, "\nof these, queue.hold keeps back %s, the last until %s; 'roagent hold list' shows them\n",
			plural(st.Delayed, "line"), st.Until.Local().Format(time.DateTime))
	}
	if st.Parked > 0 {
		fmt.Fprintf(p.stdout, "\nparked, waiting for a person: %s; 'roagent parked list' says why\n", plural(st.Parked, "order"))
	}
	return nil
}

func (st *status) nextRun() string {
	if st.Left != nil {
		return "none"
	}
	return st.NextRun.Format("Monday 2006-01-02 15:04 MST") + " (when the service runs)"
}

func (st *status) printWeeks(p *program) error {
	t := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\nweek\torders held\tlines sent\twaiting\tparked\tread\tlast read\tstate\t")
	for _, w := range st.Weeks[max(0, len(st.Weeks)-weeksShown):] {
		read := ""
		if !w.ReadAt.IsZero() {
			read = w.ReadAt.Local().Format("2006-01-02 15:04")
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%dx\t%s\t%s\t\n", w.Week, w.Held, w.Sent, w.Waiting, w.Parked, w.Readings, read, weekState(w))
	}
	return t.Flush()
}

// weekState says in a word or two where a week stands.
func weekState(w upload.WeekStatus) string {
	switch {
	case w.Anew, w.Early:
		return "to be read again"
	case w.Reading != nil:
		return "being read"
	case w.Closed:
		return "closed, receipted"
	case w.Waiting > 0:
		return "waiting"
	}
	return "open"
}

// finishedWeeks returns the weeks that were read to their end, once they were over, and stoppedWeeks those whose reading is under way, or was gone on
// with after a stop.
func finishedWeeks(weeks []upload.WeekStatus) []fieldmap.Week {
	return weeksWhere(weeks, func(w upload.WeekStatus) bool { return w.Readings > 0 && !w.Early })
}

func stoppedWeeks(weeks []upload.WeekStatus) []fieldmap.Week {
	return weeksWhere(weeks, func(w upload.WeekStatus) bool { return w.Reading != nil || w.Resumed })
}

func weeksWhere(weeks []upload.WeekStatus, is func(upload.WeekStatus) bool) []fieldmap.Week {
	var found []fieldmap.Week
	for _, w := range weeks {
		if week, err := fieldmap.ParseWeek(w.Week); err == nil && is(w) {
			found = append(found, week)
		}
	}
	return found
}
