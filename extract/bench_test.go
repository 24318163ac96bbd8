package extract_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"roagent/extract"
	"roagent/extract/sampledms"
	"roagent/fieldmap"
)

const benchOrders = 20_000

func benchWeek() fieldmap.Week { return fieldmap.Week{Year: 2026, Number: 46} }

func benchDMS(b *testing.B) (*sql.DB, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "dms.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	o := sampledms.Options{First: benchWeek().Add(-1), Weeks: 2, OrdersPerWeek: benchOrders}
	if err := sampledms.Create(context.Background(), db, "sqlite", o); err != nil {
		b.Fatal(err)
	}
	return db, path
}

// BenchmarkRawScan reads a week's rows of three tables with the same driver and nothing else.
func BenchmarkRawScan(b *testing.B) {
	db, _ := benchDMS(b)
	var values [20]any
	var into [20]any
	for i := range into {
		into[i] = &values[i]
	}
	for b.Loop() {
		for _, q := range []string{
			`SELECT o.RONumber, +o.OpenedAt, +o.ClosedAt, o.MileageIn, o.MileageOut, o.AdvisorNo, v.VIN, v.Make, v.Model, v.ModelYear, o.CustomerNo, c.FirstName, c.LastName, c.Zip, c.Phone, c.Email
			FROM RepairOrder o LEFT JOIN Customer c ON c.CustomerNo=o.CustomerNo LEFT JOIN Vehicle v ON v.VehicleNo=o.VehicleNo WHERE o.ROType <> 'I' AND ClosedAt >= '2026-11-09' AND ClosedAt < '2026-11-16'`,
			`SELECT j.RONumber, j.LineNo, j.OpCode, j.OpName, j.PayType, j.LaborHours, j.Complaint, j.Cause, j.Correction, j.CampaignNo, j.Amount
			FROM RepairOrder o JOIN Job j ON j.RONumber = o.RONumber WHERE o.ROType <> 'I' AND j.PayType <> 'I' AND ClosedAt >= '2026-11-09' AND ClosedAt < '2026-11-16'`,
			`SELECT p.RONumber, p.LineNo, p.Seq, p.PartNo, p.Description, p.Quantity, p.Price
			FROM RepairOrder o JOIN Job j ON j.RONumber = o.RONumber JOIN Part p ON p.RONumber = j.RONumber AND p.LineNo=j.LineNo WHERE o.ROType <> 'I' AND j.PayType <> 'I' AND ClosedAt >= '2026-11-09' AND ClosedAt < '2026-11-16'`,
		} {
			scanAll(b, db, q, into[:])
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/benchOrders, "us/order")
}

func scanAll(b *testing.B, db *sql.DB, query string, into []any) {
	b.Helper()
	rows, err := db.QueryContext(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	for rows.Next() {
		if err := rows.Scan(into[:len(columns)]...); err != nil {
			b.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkReading reads the same rows as a pull does, up to the Page.
func BenchmarkReading(b *testing.B) {
	_, path := benchDMS(b)
	ctx := context.Background()
	w, err := fieldmap.Parse("fieldmap.yaml", []byte(sampledms.Whitelist))
	if err != nil {
		b.Fatal(err)
	}
	dms, err := extract.Open(ctx, extract.Config{Driver: "sqlite", Path: path, DealerZone: time.UTC})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = dms.Close() })
	r, _, err := dms.Bind(ctx, w.Compile(), make([]byte, 32), make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		rd, err := r.Begin(ctx)
		if err != nil {
			b.Fatal(err)
		}
		for after := []byte(nil); ; {
			keys, err := rd.Keys(ctx, benchWeek(), after, 500, time.Time{})
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := rd.Orders(ctx, benchWeek(), keys); err != nil {
				b.Fatal(err)
			}
			if after = keys.Next(); after == nil {
				break
			}
		}
		_ = rd.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/benchOrders, "us/order")
}
