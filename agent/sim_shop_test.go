package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"roagent/fieldmap"
)

// simShop is a dealership: its DMS in a SQLite file, and the same orders in plain Go, from which the oracle tells what
// the collector should hold. All its times are the clock on its wall, kept as if they were UTC.
type simShop struct {
	t       *testing.T
	db      *sql.DB
	r       *rand.Rand
	zone    *time.Location // of the clock on its wall
	weeks   *time.Location // dealer.timezone, as the configuration says it now
	times   *time.Location // dms.timezone
	rezoned bool           // either was another one before
	edges   bool           // orders are also closed in the very first and last second of a week
	wordy   bool           // technicians write novels
	behind  time.Duration  // by which the clock is that stamps what changed

	orders      map[string]*simOrder
	sendable    map[string]fieldmap.Week // the week in which an order can be sent
	left        map[string]int           // by order and week: how often it could be sent there no longer
	optOut      map[int]bool             // by customer
	last        *simOrder                // that was edited
	made, edits int
}

type simOrder struct {
	key      string
	internal bool
	closed   time.Time // zero: the order is open
	updated  time.Time
	customer int
	miles    int
	jobs     []simJob
}

type simJob struct {
	pay  string // C, W, I, or X: a code that the whitelist does not map
	work string
}

const simSchema = `PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;
CREATE TABLE RepairOrder (RONumber VARCHAR(12) NOT NULL PRIMARY KEY, ROType CHAR(1), ClosedAt DATETIME, UpdatedAt DATETIME, CustomerNo INT, Miles INT,
	Note VARCHAR(40) DEFAULT 'CANARY') WITHOUT ROWID;
CREATE INDEX ix ON RepairOrder (ClosedAt);
CREATE TABLE Customer (CustomerNo INT NOT NULL PRIMARY KEY, Phone VARCHAR(20), OptOut CHAR(1)) WITHOUT ROWID;
CREATE TABLE Job (RONumber VARCHAR(12) NOT NULL, LineNo INT NOT NULL, PayType CHAR(1), Work VARCHAR(100000), Cost INT DEFAULT 8675309,
	PRIMARY KEY (RONumber, LineNo)) WITHOUT ROWID;`

func newSimShop(t *testing.T, dir string, r *rand.Rand, zone *time.Location) *simShop {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "dms.db"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	s := &simShop{t: t, db: db, r: r, zone: zone, weeks: zone, times: zone, edges: r.IntN(2) == 0, wordy: r.IntN(4) == 0, orders: map[string]*simOrder{}, optOut: map[int]bool{}, sendable: map[string]fieldmap.Week{}, left: map[string]int{}}
	s.exec(simSchema)
	return s
}

func simPhone(customer int) string {
	return fmt.Sprintf("(%d) 555-01%02d", 212+customer/100, customer%100)
}

func (s *simShop) exec(statement string, args ...any) {
	s.t.Helper()
	if _, err := s.db.ExecContext(context.Background(), statement, args...); err != nil {
		s.t.Fatal(err)
	}
}

// now is the time on the wall.
func (s *simShop) now() time.Time {
	return asUTC(time.Now().In(s.zone))
}

// stamp is what the DMS notes as the time of a change.
func (s *simShop) stamp() time.Time { return s.now().Add(-s.behind) }

// write puts an order into the DMS as it is in Go, in one transaction.
func (s *simShop) write(o *simOrder) {
	s.t.Helper()
	tx, err := s.db.BeginTx(context.Background(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	exec := func(statement string, args ...any) {
		if _, err := tx.Exec(statement, args...); err != nil { //nolint:noctx // of a transaction that has one
			s.t.Fatal(err)
		}
	}
	exec("DELETE FROM Job WHERE RONumber = ?", o.key)
	exec("DELETE FROM RepairOrder WHERE RONumber = ?", o.key)
	if s.orders[o.key] != nil {
		kind, closed := "C", any(nil)
		if o.internal {
			kind = "I"
		}
		if !o.closed.IsZero() {
			closed = o.closed.Format(time.DateTime)
		}
		exec("INSERT INTO RepairOrder (RONumber, ROType, ClosedAt, UpdatedAt, CustomerNo, Miles) VALUES (?, ?, ?, ?, ?, ?)",
			o.key, kind, closed, o.updated.Format(time.DateTime), o.customer, o.miles)
		for i, j := range o.jobs {
			exec("INSERT INTO Job (RONumber, LineNo, PayType, Work) VALUES (?, ?, ?, ?)", o.key, i+1, j.pay, j.work)
		}
	}
	if err := tx.Commit(); err != nil {
		s.t.Fatal(err)
	}
	s.note(o)
}

// note remembers where an order can be sent, and where no longer.
func (s *simShop) note(o *simOrder) {
	week, was := s.sendable[o.key]
	is := s.orders[o.key] != nil && !o.internal && !o.closed.IsZero()
	if was && (!is || s.week(o) != week) {
		s.left[o.key+" "+week.String()]++
		delete(s.sendable, o.key)
	}
	if is {
		s.sendable[o.key] = s.week(o)
	}
}

// open is an order that comes into the DMS and is closed at a time that may lie back.
func (s *simShop) open(closed time.Time) *simOrder {
	s.made++
	s.exec("INSERT INTO Customer VALUES (?, ?, 'N')", s.made, simPhone(s.made))
	o := &simOrder{
		key: fmt.Sprintf("RO%04d", 1000+s.made), internal: s.r.IntN(8) == 0, closed: closed, updated: s.stamp(),
		customer: max(1, s.made-s.r.IntN(6)), miles: 1000 + s.r.IntN(100000),
	}
	for range s.r.IntN(3) {
		o.jobs = append(o.jobs, simJob{pay: []string{"C", "C", "W", "I"}[s.r.IntN(4)], work: s.work()})
	}
	s.orders[o.key] = o
	s.write(o)
	return o
}

func (s *simShop) work() string {
	text := []byte("REPLACED PART " + strconv.Itoa(s.r.IntN(1_000_000)))
	for s.wordy && len(text) < 60_000 {
		text = append(text, ' ')
		for range 4 {
			text = append(text, "BCDFGHJKLMPQRTVWXZ"[s.r.IntN(18)])
		}
	}
	return string(text)
}

// editable returns the orders of weeks that a look-back still reads, in a fixed order.
func (s *simShop) editable() []*simOrder {
	var list []*simOrder
	for _, key := range slices.Sorted(maps.Keys(s.orders)) {
		if o := s.orders[key]; o.closed.IsZero() || !s.week(o).Before(s.oldest()) {
			list = append(list, o)
		}
	}
	return list
}

// oldest is the earliest week that the next run of an agent with a look-back of four weeks reads for certain, whenever
// within this week it was last read.
func (s *simShop) oldest() fieldmap.Week { return s.current().Add(-1 - 3) }

// current is the week that it is, by whichever clock is further.
func (s *simShop) current() fieldmap.Week {
	week := fieldmap.WeekOf(time.Now().In(s.weeks))
	if here := fieldmap.WeekOf(s.now()); week.Before(here) {
		return here
	}
	return week
}

// week is the week in which an order was closed: in the dealer's zone, once the DMS's zone has said when that was.
func (s *simShop) week(o *simOrder) fieldmap.Week { return s.weekAt(o.closed) }

func (s *simShop) weekAt(wall time.Time) fieldmap.Week {
	week := fieldmap.WeekOf(wall).Add(-1)
	for !wall.Before(s.start(week.Next())) {
		week = week.Next()
	}
	return week
}

// start is when a week begins, by the DMS's clock.
func (s *simShop) start(week fieldmap.Week) time.Time { return asUTC(week.Start(s.weeks).In(s.times)) }

// asUTC is what a clock shows, kept as if it were UTC.
func asUTC(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// closing draws when an order may have been closed: in this week or back to the oldest, never later than now.
func (s *simShop) closing() time.Time {
	now := s.now()
	for {
		day := now.AddDate(0, 0, -s.r.IntN(28))
		at := time.Date(day.Year(), day.Month(), day.Day(), 8+s.r.IntN(11), s.r.IntN(60), s.r.IntN(60), 0, time.UTC)
		if s.edges && s.r.IntN(4) == 0 {
			at = s.start(s.weekAt(at)).Add(time.Duration(s.r.IntN(2)-1) * time.Second)
		}
		if !at.After(now) && !s.weekAt(at).Before(s.oldest()) {
			return at
		}
	}
}

// edit changes something as people at a dealership do. moves says whether each edit must show in the order's changed
// column: then what is kept beside the order stays as it is.
func (s *simShop) edit(moves bool) string {
	s.edits++
	list := s.editable()
	if len(list) == 0 {
		return s.late()
	}
	return s.editOne(list[s.r.IntN(len(list))], moves)
}

func (s *simShop) editOne(o *simOrder, moves bool) string {
	s.last = o
	if !moves && s.r.IntN(5) == 0 {
		return s.toggleOptOut()
	}
	what := s.change(o)
	if at := s.stamp().Add(-time.Duration(s.r.IntN(20*3600)) * time.Second); s.r.IntN(4) == 0 && at.After(o.updated) {
		o.updated = at // by a transaction that was open for long, or another machine's clock
		what += ", committed late"
	} else {
		o.updated = s.stamp()
	}
	s.write(o)
	return what + " " + o.key
}

func (s *simShop) change(o *simOrder) string {
	switch s.r.IntN(9) {
	case 0:
		delete(s.orders, o.key)
		return "void"
	case 1:
		o.closed = time.Time{}
		return "reopen"
	case 2:
		o.closed = s.closing()
		return "close"
	case 3:
		o.internal = !o.internal
		return "turn internal or back"
	case 4:
		if len(o.jobs) > 0 {
			o.jobs[s.r.IntN(len(o.jobs))].pay = []string{"C", "W", "I", "X"}[s.r.IntN(4)]
		}
		return "change who pays for"
	case 5:
		return s.late()
	default:
		if len(o.jobs) == 0 || s.r.IntN(4) == 0 {
			o.jobs = append(o.jobs, simJob{pay: "C"})
		}
		o.jobs[s.r.IntN(len(o.jobs))].work = s.work()
		return "reword"
	}
}

// again edits the order that was just edited, within the same second.
func (s *simShop) again() string {
	o := s.last
	if o == nil || s.orders[o.key] != o || !o.closed.IsZero() && s.week(o).Before(s.oldest()) {
		return "nothing"
	}
	s.edits++
	if len(o.jobs) == 0 {
		o.jobs = append(o.jobs, simJob{pay: "C"})
	}
	o.jobs[0].work, o.updated = s.work(), s.stamp()
	s.write(o)
	return "reword again " + o.key
}

// late is an order that comes into a week that may have been read already.
func (s *simShop) late() string { return "late or backdated " + s.open(s.closing()).key + ", edit" }

func (s *simShop) toggleOptOut() string {
	no := max(1, s.made-s.r.IntN(30))
	for _, o := range s.orders { // of weeks that nobody reads any more, nothing may change
		if o.customer == no && !o.closed.IsZero() && s.week(o).Before(s.oldest()) {
			return "nothing"
		}
	}
	s.optOut[no] = !s.optOut[no]
	s.exec("UPDATE Customer SET OptOut = ? WHERE CustomerNo = ?", map[bool]string{true: "Y", false: "N"}[s.optOut[no]], no)
	return "opt customer " + strconv.Itoa(no)
}

// mend gives codes that the whitelist does not map one that it does.
func (s *simShop) mend() {
	for _, key := range slices.Sorted(maps.Keys(s.orders)) {
		o := s.orders[key]
		for i := range o.jobs {
			if o.jobs[i].pay == "X" {
				o.jobs[i].pay, o.updated = "C", s.stamp()
			}
		}
		s.write(o)
	}
}

// simWhitelist is one of the whitelists that the dealer approves now and then.
type simWhitelist struct{ changed, phone, miles, jobs bool }

func drawSimWhitelist(r *rand.Rand) simWhitelist {
	return simWhitelist{changed: r.IntN(3) > 0, phone: r.IntN(3) > 0, miles: r.IntN(3) > 0, jobs: r.IntN(4) > 0}
}

func (w simWhitelist) text() string {
	var b strings.Builder
	b.WriteString(`fieldmap: 1
recipient: Example Motor Sales
purpose: Survey
agreement: DMI-1
orders:
  from: RepairOrder
  key: RONumber
  week: ClosedAt
`)
	if w.changed {
		b.WriteString("  changed: UpdatedAt\n")
	}
	b.WriteString(`  join:
    customer: {from: Customer, on: {CustomerNo: CustomerNo}}
  skip:
    - {column: ROType, in: [I], why: internal}
  fields:
    - {send: repair_order_header.document_id, column: RONumber, why: names the visit}
    - {send: repair_order_header.repair_order_completed_date_time, column: ClosedAt, why: date of the visit}
`)
	if w.miles {
		b.WriteString("    - {send: repair_order_header.out_distance_measure, column: Miles, unit: SMI, why: wear}\n")
	}
	if w.phone {
		b.WriteString(`    - send: repair_order_header.owner_party.specified_person.telephone_communication.complete_number
      column: customer.Phone
      why: survey call
      withhold:
        - {column: customer.OptOut, in: [Y], why: opted out}
`)
	}
	if w.jobs {
		b.WriteString(`  lines:
    - send: job
      from: Job
      parent: {RONumber: RONumber}
      order: LineNo
      skip:
        - {column: PayType, in: [I], why: internal}
      fields:
        - {send: job_number_string, column: LineNo, as: text, why: names the job}
        - {send: bill_to_party_type, column: PayType, map: {C: CUSTOMER_PAY, W: WARRANTY}, why: who paid}
        - {send: codes_and_comments_expanded.correction_description, column: Work, narrative: true, why: what was done}
`)
	}
	return b.String()
}

// sent returns what the whitelist makes of an order, as JSON with sorted members; "" where it is not sent. bad orders
// cannot be sent as they are.
func (s *simShop) sent(o *simOrder, w simWhitelist) (text string, bad bool) {
	if o.internal || o.closed.IsZero() {
		return "", false
	}
	closed, _ := fieldmap.Instant(o.closed, s.times)
	header := map[string]any{"document_id": o.key, "repair_order_completed_date_time": closed.UTC().Format(time.RFC3339)}
	if w.miles {
		header["out_distance_measure"] = map[string]any{"value": o.miles, "unit_code": "SMI"}
	}
	if w.phone && !s.optOut[o.customer] {
		place(header, strings.Split("owner_party.specified_person.telephone_communication.complete_number", "."), simPhone(o.customer))
	}
	order := map[string]any{"repair_order_header": header}
	var jobs []any
	for i, j := range o.jobs {
		if !w.jobs || j.pay == "I" {
			continue
		}
		bad = bad || j.pay == "X"
		jobs = append(jobs, map[string]any{
			"job_number_string": strconv.Itoa(i + 1), "bill_to_party_type": map[string]string{"C": "CUSTOMER_PAY", "W": "WARRANTY"}[j.pay],
			"codes_and_comments_expanded": map[string]any{"correction_description": j.work},
		})
	}
	if len(jobs) > 0 {
		order["job"] = jobs
	}
	encoded, err := json.Marshal(order)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(encoded), bad
}

// expected returns what the collector should hold of a week, by key, and the orders of which it cannot be told.
func (s *simShop) expected(week fieldmap.Week, w simWhitelist) (held map[string]string, bad map[string]bool) {
	held, bad = map[string]string{}, map[string]bool{}
	for key, o := range s.orders {
		if o.closed.IsZero() || s.week(o) != week {
			continue
		}
		text, wrong := s.sent(o, w)
		if wrong {
			bad[key] = true
		} else if text != "" {
			held[key] = text
		}
	}
	return held, bad
}
